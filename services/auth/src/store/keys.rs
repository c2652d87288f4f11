//! Signing keys: the public halves of all, and the private half of the generated one.

use jsonwebtoken::jwk::JwkSet;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use souk_kit::auth::JwksSource;
use souk_sql::{SqlError, insert_or_ignore};
use souk_values::{Secret, Timestamp};

use super::{
    AuthStore,
    entities::signing_key::{ActiveModel, Column, Entity},
};
use crate::signing::SigningKey;

impl AuthStore {
    /// Returns the private half of the oldest generated key, if any.
    pub(crate) async fn private_key(&self) -> Result<Option<Secret>, SqlError> {
        let query = Entity::find().filter(Column::PrivateKey.is_not_null());
        let row = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).one(self.db.reader()).await?;
        Ok(row.and_then(|row| row.private_key).map(Secret::new))
    }

    /// Inserts `key`, with its private half only if given. Inserting it again changes nothing.
    pub(crate) async fn insert_key(
        &self,
        key: &SigningKey,
        private: Option<&Secret>,
        now: Timestamp,
    ) -> Result<(), SqlError> {
        let public_jwk = serde_json::to_string(&key.public).map_err(|error| SqlError::Failed(error.to_string()))?;
        let row = ActiveModel {
            kid: Set(key.kid.clone()),
            algorithm: Set(format!("{:?}", key.algorithm)),
            public_jwk: Set(public_jwk),
            private_key: Set(private.map(|private| private.expose().clone())),
            created_at: Set(now.millis()),
        };
        self.db
            .write(row, |tx, row| {
                Box::pin(async move {
                    insert_or_ignore(tx, [row.clone()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Returns the public halves of all keys, newest first, retired ones included.
    pub(crate) async fn public_keys(&self) -> Result<JwkSet, SqlError> {
        let rows = Entity::find().order_by_desc(Column::CreatedAt).all(self.db.reader()).await?;
        let read = |text: &String| serde_json::from_str(text).map_err(|error| SqlError::Failed(error.to_string()));
        let keys = rows.iter().map(|row| read(&row.public_jwk)).collect::<Result<_, _>>()?;
        Ok(JwkSet { keys })
    }
}

/// Source of keys for auth's own verifier, which need not fetch them over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct StoreKeys(pub(crate) AuthStore);

#[async_trait::async_trait]
impl JwksSource for StoreKeys {
    async fn fetch(&self) -> Result<JwkSet, String> {
        self.0.public_keys().await.map_err(|error| error.to_string())
    }
}
