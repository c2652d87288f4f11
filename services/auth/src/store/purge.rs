//! Deletes expired rows, so that no table grows without bound.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_kit::auth::LISTED_FOR;
use souk_sql::SqlError;
use souk_values::Timestamp;

use super::{
    AuthStore,
    entities::{ended_right, known_device, refresh_token, reset_token, sign_in_failure, token_family},
};
use crate::throttle::RESET_AFTER;

/// Limit of rows in `sign_in_failure`, which anyone can fill with guesses at invented names.
const MAX_FAILURE_ROWS: u64 = 100_000;

impl AuthStore {
    /// Deletes expired tokens and sign-ins, and failures that no longer count.
    pub(crate) async fn purge_expired(&self, now: Timestamp) -> Result<(), SqlError> {
        let keep_from = self.oldest_failure_within_limit().await?.unwrap_or(0).max(now.minus(RESET_AFTER).millis());
        self.db
            .write((now, keep_from), |tx, &(now, keep_from)| {
                Box::pin(async move {
                    ended_right::Entity::delete_many()
                        .filter(ended_right::Column::EndedAt.lt(now.minus(LISTED_FOR).millis()))
                        .exec(tx)
                        .await?;
                    let now = now.millis();
                    refresh_token::Entity::delete_many()
                        .filter(refresh_token::Column::ExpiresAt.lte(now))
                        .exec(tx)
                        .await?;
                    token_family::Entity::delete_many()
                        .filter(token_family::Column::ExpiresAt.lte(now))
                        .exec(tx)
                        .await?;
                    known_device::Entity::delete_many()
                        .filter(known_device::Column::ExpiresAt.lte(now))
                        .exec(tx)
                        .await?;
                    reset_token::Entity::delete_many().filter(reset_token::Column::ExpiresAt.lte(now)).exec(tx).await?;
                    sign_in_failure::Entity::delete_many()
                        .filter(sign_in_failure::Column::LastFailedAt.lt(keep_from))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Returns the time from which on failures fit into [`MAX_FAILURE_ROWS`]; `None` if all do.
    async fn oldest_failure_within_limit(&self) -> Result<Option<i64>, SqlError> {
        use sign_in_failure::{Column, Entity};
        let query = Entity::find().order_by_desc(Column::LastFailedAt).offset(MAX_FAILURE_ROWS);
        Ok(query.one(self.db.reader()).await?.map(|row| row.last_failed_at.saturating_add(1)))
    }
}
