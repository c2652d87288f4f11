//! Sign-ins of guests, stored once they do more than begin.

use sea_orm::{EntityTrait, Set};
use souk_sql::SqlError;
use souk_values::{Id, Timestamp, UserId};

use super::{
    AuthStore,
    entities::{refresh_token, token_family},
    sessions::{self, NewSession},
};
use crate::{guest_token::FirstGuestToken, session::REFRESH_LIFETIME};

/// The exchange of a guest's first refresh token for a stored one.
#[derive(Debug, Clone)]
pub(crate) struct FirstExchange {
    pub(crate) token: FirstGuestToken,
    pub(crate) token_hash: String,
    pub(crate) new_hash: String,
    pub(crate) now: Timestamp,
}

impl AuthStore {
    /// Stores the sign-in of a guest with its first token, which is used, and its next one.
    ///
    /// Errors: `Unique` if the token was exchanged before, the guest has signed out, or the guest's id is another's.
    pub(crate) async fn begin_guest(&self, exchange: FirstExchange) -> Result<(), SqlError> {
        self.db
            .write(exchange, |tx, exchange| {
                Box::pin(async move {
                    let session = NewSession {
                        family: exchange.token.family.clone(),
                        token_hash: exchange.new_hash.clone(),
                        device: None,
                        now: exchange.now,
                    };
                    sessions::insert(tx, &session).await?;
                    let used = refresh_token::ActiveModel {
                        token_hash: Set(exchange.token_hash.clone()),
                        family_id: Set(session.family.id.clone()),
                        created_at: Set(exchange.now.millis()),
                        expires_at: Set(exchange.token.expires_at.millis()),
                        used_at: Set(Some(exchange.now.millis())),
                    };
                    refresh_token::Entity::insert(used).exec_without_returning(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Stores the sign-in of a guest as revoked, unless it is stored already: its first token cannot be exchanged any more.
    pub(crate) async fn insert_ended_guest(
        &self,
        family_id: &str,
        guest: UserId,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let row = token_family::ActiveModel {
            family_id: Set(family_id.to_owned()),
            user_id: Set(None),
            guest_id: Set(Some(guest.get())),
            sign_in_epoch: Set(0),
            created_at: Set(now.millis()),
            expires_at: Set(now.plus(REFRESH_LIFETIME).millis()),
            revoked_at: Set(Some(now.millis())),
        };
        self.db
            .write(row, |tx, row| {
                Box::pin(async move {
                    souk_sql::insert_or_ignore(tx, row.clone()).await?;
                    Ok(())
                })
            })
            .await
    }
}
