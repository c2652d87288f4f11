//! Forgets what no longer matters, so that no table grows without end.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_sql::SqlError;
use souk_values::Timestamp;

use super::{
    AuthStore,
    entities::{refresh_token, reset_token, sign_in_failure, token_family},
};
use crate::throttle::QUIET;

/// Accounts and addresses whose failures are remembered at most.
const REMEMBERED_FAILURES: u64 = 100_000;

impl AuthStore {
    /// Forgets tokens and sign-ins whose time is over, and failures that are long ago.
    pub async fn prune(&self, now: Timestamp) -> Result<(), SqlError> {
        let kept_from = self.failures_kept_from().await?.unwrap_or(0).max(now.minus(QUIET).millis());
        self.db
            .write((now.millis(), kept_from), |tx, &(now, kept_from)| {
                Box::pin(async move {
                    refresh_token::Entity::delete_many()
                        .filter(refresh_token::Column::ExpiresAt.lte(now))
                        .exec(tx)
                        .await?;
                    token_family::Entity::delete_many()
                        .filter(token_family::Column::ExpiresAt.lte(now))
                        .exec(tx)
                        .await?;
                    reset_token::Entity::delete_many().filter(reset_token::Column::ExpiresAt.lte(now)).exec(tx).await?;
                    sign_in_failure::Entity::delete_many()
                        .filter(sign_in_failure::Column::LastFailedAt.lt(kept_from))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// The time of the oldest failure that still fits.
    async fn failures_kept_from(&self) -> Result<Option<i64>, SqlError> {
        use sign_in_failure::{Column, Entity};
        let query = Entity::find().order_by_desc(Column::LastFailedAt).offset(REMEMBERED_FAILURES);
        Ok(query.one(self.db.reader()).await?.map(|row| row.last_failed_at.saturating_add(1)))
    }
}
