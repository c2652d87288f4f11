//! Sign-ins and their refresh tokens.

use sea_orm::{ActiveValue::NotSet, ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AuthStore, devices, ended,
    entities::{refresh_token, token_family},
};
use crate::{
    device::Device,
    session::{Holder, REFRESH_LIFETIME, StoredToken, TokenFamily},
};

/// A sign-in and its first refresh token.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub(crate) family: TokenFamily,
    pub(crate) token_hash: String,
    /// Device that becomes known by signing in; `None` if it is, or has no cookies.
    pub(crate) device: Option<Device>,
    pub(crate) now: Timestamp,
}

/// The exchange of a refresh token for another of the same family.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    pub(crate) old_hash: String,
    pub(crate) new_hash: String,
    pub(crate) family_id: String,
    pub(crate) now: Timestamp,
}

impl AuthStore {
    /// Inserts a sign-in. Errors: `Unique` if a guest's id is taken.
    pub(crate) async fn insert_session(&self, session: NewSession) -> Result<(), SqlError> {
        self.db.write(session, |tx, session| Box::pin(insert(tx, session))).await
    }

    pub(crate) async fn refresh_token(&self, token_hash: &str) -> Result<Option<StoredToken>, SqlError> {
        let reader = self.db.reader();
        let Some(token) = refresh_token::Entity::find_by_id(token_hash.to_owned()).one(reader).await? else {
            return Ok(None);
        };
        let Some(family) = token_family::Entity::find_by_id(token.family_id).one(reader).await? else {
            return Ok(None);
        };
        Ok(Some(StoredToken {
            hash: token.token_hash,
            is_used: token.used_at.is_some(),
            expires_at: Timestamp::from_millis(token.expires_at),
            family: read(family)?,
        }))
    }

    /// Exchanges a refresh token. Returns false if another request was first; the sign-in is ended then.
    pub(crate) async fn rotate(&self, rotation: Rotation) -> Result<bool, SqlError> {
        self.db.write(rotation, |tx, rotation| Box::pin(rotate(tx, rotation))).await
    }

    /// Ends a sign-in. Ending it again has no effect.
    pub(crate) async fn revoke(&self, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
        self.db.write((family_id.to_owned(), now), |tx, (family_id, now)| Box::pin(revoke(tx, family_id, *now))).await
    }
}

/// Inserts a sign-in as part of a transaction.
pub(super) async fn insert(tx: &Tx, session: &NewSession) -> Result<(), SqlError> {
    let (user_id, guest_id, epoch) = match session.family.holder {
        Holder::Account { user_id, epoch } => (Some(user_id.get()), None, epoch),
        Holder::Guest(guest) => (None, Some(guest.get()), 0),
    };
    let family = token_family::ActiveModel {
        family_id: Set(session.family.id.clone()),
        user_id: Set(user_id),
        guest_id: Set(guest_id),
        sign_in_epoch: Set(epoch),
        created_at: Set(session.now.millis()),
        expires_at: Set(session.now.plus(REFRESH_LIFETIME).millis()),
        revoked_at: NotSet,
    };
    token_family::Entity::insert(family).exec_without_returning(tx).await?;
    if let Some(device) = &session.device {
        devices::insert(tx, device).await?;
    }
    insert_token(tx, &session.token_hash, &session.family.id, session.now).await
}

async fn insert_token(tx: &Tx, token_hash: &str, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
    let token = refresh_token::ActiveModel {
        token_hash: Set(token_hash.to_owned()),
        family_id: Set(family_id.to_owned()),
        created_at: Set(now.millis()),
        expires_at: Set(now.plus(REFRESH_LIFETIME).millis()),
        used_at: NotSet,
    };
    refresh_token::Entity::insert(token).exec_without_returning(tx).await?;
    Ok(())
}

async fn rotate(tx: &Tx, rotation: &Rotation) -> Result<bool, SqlError> {
    use refresh_token::{Column, Entity};
    let claimed = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(rotation.now.millis()))
        .filter(Column::TokenHash.eq(rotation.old_hash.clone()))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    if claimed.rows_affected == 0 {
        // Of two holders of the same token one has a copy. Which one cannot be known, so both lose the sign-in.
        revoke(tx, &rotation.family_id, rotation.now).await?;
        return Ok(false);
    }
    let expires_at = rotation.now.plus(REFRESH_LIFETIME).millis();
    token_family::Entity::update_many()
        .col_expr(token_family::Column::ExpiresAt, Expr::value(expires_at))
        .filter(token_family::Column::FamilyId.eq(rotation.family_id.clone()))
        .exec(tx)
        .await?;
    insert_token(tx, &rotation.new_hash, &rotation.family_id, rotation.now).await?;
    Ok(true)
}

async fn revoke(tx: &Tx, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
    use token_family::{Column, Entity};
    let revoked = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now.millis()))
        .filter(Column::FamilyId.eq(family_id))
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    // Not of guests: anyone can have as many as they like, and each has nothing to lose but a cart.
    let of_account = Entity::find_by_id(family_id).filter(Column::UserId.is_not_null());
    if revoked.rows_affected > 0 && of_account.one(tx).await?.is_some() {
        ended::of_sign_in(tx, family_id, now).await?;
    }
    Ok(())
}

fn read(row: token_family::Model) -> Result<TokenFamily, SqlError> {
    let id = |number| UserId::new(number).ok();
    let holder = match (row.user_id.and_then(id), row.guest_id.and_then(id)) {
        (Some(user_id), None) => Holder::Account { user_id, epoch: row.sign_in_epoch },
        (None, Some(guest)) => Holder::Guest(guest),
        _ => return Err(SqlError::Failed("the row of a sign-in has a damaged holder".into())),
    };
    Ok(TokenFamily { id: row.family_id, holder, is_revoked: row.revoked_at.is_some() })
}
