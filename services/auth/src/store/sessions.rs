//! Sign-ins and their refresh tokens.

use sea_orm::{ActiveValue::NotSet, ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AuthStore,
    entities::{refresh_token, token_family},
};
use crate::session::{Family, Holder, Presented, REFRESH_LIFE};

/// A sign-in to be begun with its first refresh token.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The sign-in.
    pub family: Family,
    /// Hash of the refresh token.
    pub token_hash: String,
    /// When.
    pub now: Timestamp,
}

/// A refresh token to be exchanged for another.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Hash of the one that was presented.
    pub old_hash: String,
    /// Hash of the one given for it.
    pub new_hash: String,
    /// Their sign-in.
    pub family_id: String,
    /// When.
    pub now: Timestamp,
}

impl AuthStore {
    /// Begins a sign-in. Errors: `Unique` when a guest's id is taken.
    pub async fn open_session(&self, session: OpenSession) -> Result<(), SqlError> {
        self.db.write(session, |tx, session| Box::pin(insert(tx, session))).await
    }

    /// The refresh token with this hash, and its sign-in.
    pub async fn presented(&self, token_hash: &str) -> Result<Option<Presented>, SqlError> {
        let reader = self.db.reader();
        let Some(token) = refresh_token::Entity::find_by_id(token_hash.to_owned()).one(reader).await? else {
            return Ok(None);
        };
        let Some(family) = token_family::Entity::find_by_id(token.family_id).one(reader).await? else {
            return Ok(None);
        };
        Ok(Some(Presented {
            token_hash: token.token_hash,
            used: token.used_at.is_some(),
            expires_at: Timestamp::from_millis(token.expires_at),
            family: read(family)?,
        }))
    }

    /// Exchanges a refresh token. False: another request was first, and the sign-in is ended.
    pub async fn rotate(&self, rotation: Rotation) -> Result<bool, SqlError> {
        self.db.write(rotation, |tx, rotation| Box::pin(rotate(tx, rotation))).await
    }

    /// Ends a sign-in. Ending it again changes nothing.
    pub async fn revoke(&self, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
        self.db.write((family_id.to_owned(), now), |tx, (family_id, now)| Box::pin(revoke(tx, family_id, *now))).await
    }
}

/// Begins a sign-in in `tx`.
pub(super) async fn insert(tx: &Tx, session: &OpenSession) -> Result<(), SqlError> {
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
        expires_at: Set(session.now.plus(REFRESH_LIFE).millis()),
        revoked_at: NotSet,
    };
    token_family::Entity::insert(family).exec_without_returning(tx).await?;
    insert_token(tx, &session.token_hash, &session.family.id, session.now).await
}

async fn insert_token(tx: &Tx, token_hash: &str, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
    let token = refresh_token::ActiveModel {
        token_hash: Set(token_hash.to_owned()),
        family_id: Set(family_id.to_owned()),
        created_at: Set(now.millis()),
        expires_at: Set(now.plus(REFRESH_LIFE).millis()),
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
        revoke(tx, &rotation.family_id, rotation.now).await?;
        return Ok(false);
    }
    let lives_on = rotation.now.plus(REFRESH_LIFE).millis();
    token_family::Entity::update_many()
        .col_expr(token_family::Column::ExpiresAt, Expr::value(lives_on))
        .filter(token_family::Column::FamilyId.eq(rotation.family_id.clone()))
        .exec(tx)
        .await?;
    insert_token(tx, &rotation.new_hash, &rotation.family_id, rotation.now).await?;
    Ok(true)
}

async fn revoke(tx: &Tx, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
    use token_family::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now.millis()))
        .filter(Column::FamilyId.eq(family_id))
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

fn read(row: token_family::Model) -> Result<Family, SqlError> {
    let id = |number| UserId::new(number).ok();
    let holder = match (row.user_id.and_then(id), row.guest_id.and_then(id)) {
        (Some(user_id), None) => Holder::Account { user_id, epoch: row.sign_in_epoch },
        (None, Some(guest)) => Holder::Guest(guest),
        _ => return Err(SqlError::Failed("the row of a sign-in has a damaged holder".into())),
    };
    Ok(Family { id: row.family_id, holder, revoked: row.revoked_at.is_some() })
}
