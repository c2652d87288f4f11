//! Forgotten passwords: who asked, and the tokens that were mailed.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::Envelope;
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AuthStore, Change, StoreError, accounts,
    entities::{reset_request, reset_token},
};

/// Somebody asked for a reset.
#[derive(Debug, Clone)]
pub struct PendingReset {
    /// Unique, in the order of asking.
    pub request_id: String,
    /// Which address was given, in lower case.
    pub email_key: String,
    /// Trace context of the asking.
    pub traceparent: Option<String>,
}

/// What came of presenting a reset token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// The password is changed, and the token spent.
    Done,
    /// The token was spent, or its time is over.
    Gone,
}

impl AuthStore {
    /// Notes that a reset was asked for.
    pub async fn ask_reset(&self, asked: PendingReset, now: Timestamp) -> Result<(), SqlError> {
        self.db
            .write((asked, now), |tx, (asked, now)| {
                Box::pin(async move {
                    let row = reset_request::ActiveModel {
                        request_id: Set(asked.request_id.clone()),
                        email_key: Set(asked.email_key.clone()),
                        traceparent: Set(asked.traceparent.clone()),
                        requested_at: Set(now.millis()),
                    };
                    reset_request::Entity::insert(row).exec_without_returning(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Requests that nobody has dealt with, oldest first.
    pub async fn pending_resets(&self) -> Result<Vec<PendingReset>, SqlError> {
        let query = reset_request::Entity::find().order_by_asc(reset_request::Column::RequestId).limit(100);
        let rows = query.all(self.db.reader()).await?;
        let read = |row: reset_request::Model| PendingReset {
            request_id: row.request_id,
            email_key: row.email_key,
            traceparent: row.traceparent,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// How many reset tokens of `user` are good at `now`.
    pub async fn live_resets(&self, user: UserId, now: Timestamp) -> Result<u64, SqlError> {
        use reset_token::{Column, Entity};
        let live = Entity::find().filter(Column::UserId.eq(user.get())).filter(Column::ExpiresAt.gt(now.millis()));
        Ok(live.count(self.db.reader()).await?)
    }

    /// Deals with a request: stores the token's hash, if one is given, and tells it. Does nothing when
    /// another replica has dealt with it.
    pub async fn deal_with_reset(
        &self,
        request_id: String,
        token: Option<(String, UserId, Timestamp)>,
        events: Vec<Envelope>,
    ) -> Result<(), SqlError> {
        self.db
            .write((request_id, token, events), |tx, (request_id, token, events)| {
                Box::pin(async move {
                    let mine = reset_request::Entity::delete_by_id(request_id.clone()).exec(tx).await?;
                    if mine.rows_affected == 0 {
                        return Ok(());
                    }
                    if let Some((token_hash, user_id, expires_at)) = token {
                        let row = reset_token::ActiveModel {
                            token_hash: Set(token_hash.clone()),
                            user_id: Set(user_id.get()),
                            expires_at: Set(expires_at.millis()),
                        };
                        reset_token::Entity::insert(row).exec_without_returning(tx).await?;
                    }
                    souk_bus::outbox::add(tx, events).await
                })
            })
            .await
    }

    /// Whose a reset token is, if it is good at `now`.
    pub async fn reset_holder(&self, token_hash: &str, now: Timestamp) -> Result<Option<UserId>, SqlError> {
        let row = reset_token::Entity::find_by_id(token_hash.to_owned()).one(self.db.reader()).await?;
        Ok(row.filter(|row| row.expires_at > now.millis()).and_then(|row| UserId::new(row.user_id).ok()))
    }

    /// Spends a reset token on `change`. Errors: `Stale`, and the token is not spent.
    pub async fn redeem(&self, token_hash: String, change: Change, now: Timestamp) -> Result<Redeemed, StoreError> {
        self.db
            .write((token_hash, change, now), |tx, (token_hash, change, now)| {
                Box::pin(async move {
                    use reset_token::{Column, Entity};
                    let spent = Entity::delete_many()
                        .filter(Column::TokenHash.eq(token_hash.clone()))
                        .filter(Column::ExpiresAt.gt(now.millis()))
                        .exec(tx)
                        .await?;
                    if spent.rows_affected == 0 {
                        return Ok(Redeemed::Gone);
                    }
                    accounts::save(tx, change).await?;
                    Ok(Redeemed::Done)
                })
            })
            .await
    }
}

/// Ends every reset token of `user` in `tx`.
pub(super) async fn end_all(tx: &Tx, user: UserId) -> Result<(), SqlError> {
    reset_token::Entity::delete_many().filter(reset_token::Column::UserId.eq(user.get())).exec(tx).await?;
    Ok(())
}
