//! Signing keys: the public halves of all, and the private halves of the generated ones that sign or will.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set, sea_query::Expr};
use souk_kit::auth::{Authority, EndedRights};
use souk_sql::{SqlError, insert_or_ignore};
use souk_values::{Clock, Secret, Timestamp};

use super::{
    AuthStore,
    entities::signing_key::{ActiveModel, Column, Entity, Model},
};
use crate::{keyring::LISTED_AFTER_USE, session::REFRESH_LIFETIME, signing::SigningKey};

/// A key of the store's own, whose private half it still has.
#[derive(Debug, Clone)]
pub(crate) struct GeneratedKey {
    /// Number in the order of generation. That of keys from before there were numbers is -1.
    pub(crate) generation: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) private: Secret,
}

impl AuthStore {
    pub(crate) async fn generated_keys(&self) -> Result<Vec<GeneratedKey>, SqlError> {
        let query = Entity::find().filter(Column::PrivateKey.is_not_null());
        let rows = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).all(self.db.reader()).await?;
        Ok(rows.into_iter().filter_map(generated).collect())
    }

    /// Inserts `key`, of a generated one with its private half and number. Changes nothing if the key or the number is there.
    pub(crate) async fn insert_key(
        &self,
        key: &SigningKey,
        generated: Option<(&Secret, i64)>,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let public_jwk = serde_json::to_string(&key.public).map_err(|error| SqlError::Failed(error.to_string()))?;
        let row = ActiveModel {
            kid: Set(key.kid.clone()),
            algorithm: Set(format!("{:?}", key.algorithm)),
            public_jwk: Set(public_jwk),
            private_key: Set(generated.map(|(private, _)| private.expose().clone())),
            created_at: Set(now.millis()),
            generation: Set(generated.map(|(_, generation)| generation)),
            used_at: Set(None),
        };
        self.db
            .write(row, |tx, row| {
                Box::pin(async move {
                    insert_or_ignore(tx, row.clone()).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Records that a replica signs with a key.
    pub(crate) async fn key_used(&self, kid: &str, now: Timestamp) -> Result<(), SqlError> {
        self.db
            .write((kid.to_owned(), now.millis()), |tx, (kid, now)| {
                Box::pin(async move {
                    Entity::update_many()
                        .col_expr(Column::UsedAt, Expr::value(*now))
                        .filter(Column::Kid.eq(kid.as_str()))
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Erases the private halves of the generated keys before `generation`, which no longer sign.
    pub(crate) async fn erase_private_keys(&self, generation: i64) -> Result<(), SqlError> {
        let older = Condition::any().add(Column::Generation.lt(generation)).add(Column::Generation.is_null());
        let erased = Condition::all().add(Column::PrivateKey.is_not_null()).add(older);
        if generation < 0 || Entity::find().filter(erased.clone()).one(self.db.reader()).await?.is_none() {
            return Ok(());
        }
        self.db
            .write(erased, |tx, erased| {
                Box::pin(async move {
                    Entity::update_many()
                        .col_expr(Column::PrivateKey, Expr::value(None::<String>))
                        .filter(erased.clone())
                        .exec(tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Deletes the public halves that nothing verifies any more: a guest's first token outlives the key that signed it.
    /// A key from before uses were recorded is taken as used now.
    pub(crate) async fn retire_keys(&self, now: Timestamp) -> Result<(), SqlError> {
        self.db
            .write(now, |tx, now| {
                Box::pin(async move {
                    let public = Column::PrivateKey.is_null();
                    Entity::update_many()
                        .col_expr(Column::UsedAt, Expr::value(now.millis()))
                        .filter(public.clone().and(Column::UsedAt.is_null()))
                        .exec(tx)
                        .await?;
                    let unused_since = now.minus(REFRESH_LIFETIME).minus(LISTED_AFTER_USE).millis();
                    let expired = public.and(Column::UsedAt.lt(unused_since));
                    Entity::delete_many().filter(expired).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Returns the public halves of the keys that may have signed an access token that is valid at `now`, and of those that
    /// will sign, newest first.
    pub(crate) async fn listed_keys(&self, now: Timestamp) -> Result<JwkSet, SqlError> {
        let since = now.minus(LISTED_AFTER_USE).millis();
        let rows = self.keys().await?;
        let is_listed = |row: &&Model| row.private_key.is_some() || row.used_at.is_none_or(|used_at| used_at >= since);
        read(rows.iter().filter(is_listed))
    }

    /// Returns the public halves of all keys, retired ones included.
    pub(crate) async fn all_keys(&self) -> Result<JwkSet, SqlError> {
        read(self.keys().await?.iter())
    }

    async fn keys(&self) -> Result<Vec<Model>, SqlError> {
        Ok(Entity::find().order_by_desc(Column::CreatedAt).all(self.db.reader()).await?)
    }
}

fn generated(row: Model) -> Option<GeneratedKey> {
    let private = Secret::new(row.private_key?);
    let created_at = Timestamp::from_millis(row.created_at);
    Some(GeneratedKey { generation: row.generation.unwrap_or(-1), created_at, private })
}

fn read<'a>(rows: impl Iterator<Item = &'a Model>) -> Result<JwkSet, SqlError> {
    let read = |row: &Model| serde_json::from_str(&row.public_jwk).map_err(|error| SqlError::Failed(error.to_string()));
    Ok(JwkSet { keys: rows.map(read).collect::<Result<_, _>>()? })
}

/// Authority for auth's own verifier, which need not fetch keys and ended rights over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct StoreAuthority {
    pub(crate) store: AuthStore,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait::async_trait]
impl Authority for StoreAuthority {
    async fn keys(&self) -> Result<JwkSet, String> {
        self.store.listed_keys(self.clock.now()).await.map_err(|error| error.to_string())
    }

    async fn ended(&self, since: Option<Timestamp>) -> Result<EndedRights, String> {
        self.store.ended_rights(since, self.clock.now()).await.map_err(|error| error.to_string())
    }
}
