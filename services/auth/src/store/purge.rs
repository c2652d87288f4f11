//! Deletes expired rows, so that no table grows without bound.

use sea_orm::{ColumnTrait, EntityTrait, QueryOrder, QuerySelect, sea_query::Expr};
use souk_kit::auth::LISTED_FOR;
use souk_sql::{SqlError, delete_in_batches};
use souk_values::Timestamp;

use super::{
    AuthStore,
    entities::{ended_right, known_device, refresh_token, reset_token, sign_in_failure, token_family},
};
use crate::throttle::RESET_AFTER;

/// Limit of rows in `sign_in_failure`, which anyone can fill with guesses at invented names.
const MAX_FAILURE_ROWS: u64 = 100_000;

impl AuthStore {
    /// Deletes expired tokens, devices and sign-ins, and rights and failures that no longer count. Returns the number of rows.
    pub(crate) async fn purge_expired(&self, now: Timestamp) -> Result<u64, SqlError> {
        let keep_from = self.oldest_failure_within_limit().await?.unwrap_or(0).max(now.minus(RESET_AFTER).millis());
        let ended_before = now.minus(LISTED_FOR).millis();
        let now = now.millis();
        Ok(self
            .purge::<ended_right::Entity>(ended_right::Column::RightKey, ended_right::Column::EndedAt.lt(ended_before))
            .await?
            + self
                .purge::<refresh_token::Entity>(
                    refresh_token::Column::TokenHash,
                    refresh_token::Column::ExpiresAt.lte(now),
                )
                .await?
            + self
                .purge::<token_family::Entity>(token_family::Column::FamilyId, token_family::Column::ExpiresAt.lte(now))
                .await?
            + self
                .purge::<known_device::Entity>(
                    known_device::Column::TokenHash,
                    known_device::Column::ExpiresAt.lte(now),
                )
                .await?
            + self
                .purge::<reset_token::Entity>(reset_token::Column::TokenHash, reset_token::Column::ExpiresAt.lte(now))
                .await?
            + self
                .purge::<sign_in_failure::Entity>(
                    sign_in_failure::Column::ThrottleKey,
                    sign_in_failure::Column::LastFailedAt.lt(keep_from),
                )
                .await?)
    }

    async fn purge<E: EntityTrait>(&self, key: E::Column, expired: Expr) -> Result<u64, SqlError> {
        delete_in_batches::<E, String>(&self.db, key, expired).await
    }

    /// Returns the time from which on failures fit into [`MAX_FAILURE_ROWS`]; `None` if all do.
    async fn oldest_failure_within_limit(&self) -> Result<Option<i64>, SqlError> {
        use sign_in_failure::{Column, Entity};
        let query = Entity::find().order_by_desc(Column::LastFailedAt).offset(MAX_FAILURE_ROWS);
        Ok(query.one(self.db.reader()).await?.map(|row| row.last_failed_at.saturating_add(1)))
    }
}
