//! Requests for password resets, and the tokens mailed for them.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AccountChange, AuthStore, StoreError, accounts,
    entities::{reset_request, reset_token},
};

/// A request for a reset, whether or not an account has the address.
#[derive(Debug, Clone)]
pub(crate) struct ResetRequest {
    /// Ids are `UUIDv7`, so their order is the order of the requests.
    pub(crate) request_id: String,
    /// Requested address in lower case.
    pub(crate) email_key: String,
    /// Trace context of the HTTP request, which the mail continues.
    pub(crate) traceparent: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct ResetToken {
    pub(crate) hash: String,
    pub(crate) user_id: UserId,
    pub(crate) expires_at: Timestamp,
}

/// Outcome of redeeming a reset token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// The change is saved, and the token used.
    Done,
    /// The token was used before or is expired.
    Invalid,
}

impl AuthStore {
    pub(crate) async fn request_reset(&self, request: ResetRequest, now: Timestamp) -> Result<(), SqlError> {
        self.db
            .write((request, now), |tx, (request, now)| {
                Box::pin(async move {
                    let row = reset_request::ActiveModel {
                        request_id: Set(request.request_id.clone()),
                        email_key: Set(request.email_key.clone()),
                        traceparent: Set(request.traceparent.clone()),
                        requested_at: Set(now.millis()),
                    };
                    reset_request::Entity::insert(row).exec_without_returning(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Returns unprocessed requests, at most 100, oldest first.
    pub(crate) async fn pending_reset_requests(&self) -> Result<Vec<ResetRequest>, SqlError> {
        let query = reset_request::Entity::find().order_by_asc(reset_request::Column::RequestId).limit(100);
        let rows = query.all(self.db.reader()).await?;
        let read = |row: reset_request::Model| ResetRequest {
            request_id: row.request_id,
            email_key: row.email_key,
            traceparent: row.traceparent,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    pub(crate) async fn count_valid_reset_tokens(&self, user: UserId, now: Timestamp) -> Result<u64, SqlError> {
        use reset_token::{Column, Entity};
        let valid = Entity::find().filter(Column::UserId.eq(user.get())).filter(Column::ExpiresAt.gt(now.millis()));
        Ok(valid.count(self.db.reader()).await?)
    }

    /// Deletes a request, and inserts `token` with its events. Does nothing if another replica has processed it.
    pub(crate) async fn complete_reset_request(
        &self,
        request_id: String,
        token: Option<ResetToken>,
        events: Vec<Envelope>,
    ) -> Result<(), SqlError> {
        self.db
            .write((request_id, token, events), |tx, (request_id, token, events)| {
                Box::pin(async move {
                    let deleted = reset_request::Entity::delete_by_id(request_id.clone()).exec(tx).await?;
                    if deleted.rows_affected == 0 {
                        return Ok(());
                    }
                    if let Some(token) = token {
                        let row = reset_token::ActiveModel {
                            token_hash: Set(token.hash.clone()),
                            user_id: Set(token.user_id.get()),
                            expires_at: Set(token.expires_at.millis()),
                        };
                        reset_token::Entity::insert(row).exec_without_returning(tx).await?;
                    }
                    souk_bus::outbox::add(tx, events).await
                })
            })
            .await
    }

    pub(crate) async fn reset_token_user(&self, token_hash: &str, now: Timestamp) -> Result<Option<UserId>, SqlError> {
        let row = reset_token::Entity::find_by_id(token_hash.to_owned()).one(self.db.reader()).await?;
        Ok(row.filter(|row| row.expires_at > now.millis()).and_then(|row| UserId::new(row.user_id).ok()))
    }

    /// Uses a reset token for `change`. Errors: `Stale`, and the token remains valid.
    pub(crate) async fn redeem(
        &self,
        token_hash: String,
        change: AccountChange,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        self.db
            .write((token_hash, change, now), |tx, (token_hash, change, now)| {
                Box::pin(async move {
                    use reset_token::{Column, Entity};
                    let used = Entity::delete_many()
                        .filter(Column::TokenHash.eq(token_hash.clone()))
                        .filter(Column::ExpiresAt.gt(now.millis()))
                        .exec(tx)
                        .await?;
                    if used.rows_affected == 0 {
                        return Ok(Redeemed::Invalid);
                    }
                    accounts::save(tx, change).await?;
                    Ok(Redeemed::Done)
                })
            })
            .await
    }
}
