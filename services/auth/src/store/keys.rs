//! Signing keys: the private half of those made here, the public halves of all.

use jsonwebtoken::jwk::JwkSet;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use souk_kit::auth::JwksSource;
use souk_sql::{SqlError, insert_unless_there};
use souk_values::{Secret, Timestamp};

use super::{
    AuthStore,
    entities::signing_key::{ActiveModel, Column, Entity},
};
use crate::signing::SigningKey;

impl AuthStore {
    /// The private half of the key that was made first in this store, if one was.
    pub async fn private_key(&self) -> Result<Option<Secret>, SqlError> {
        let query = Entity::find().filter(Column::PrivateKey.is_not_null());
        let row = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Kid).one(self.db.reader()).await?;
        Ok(row.and_then(|row| row.private_key).map(Secret::new))
    }

    /// Keeps `key`; its private half only if it is given. Keeping it again changes nothing.
    pub async fn keep_key(&self, key: &SigningKey, private: Option<&Secret>, now: Timestamp) -> Result<(), SqlError> {
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
                    insert_unless_there(tx, [row.clone()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// The public halves of all keys, retired ones too.
    pub async fn public_keys(&self) -> Result<JwkSet, SqlError> {
        let rows = Entity::find().order_by_desc(Column::CreatedAt).all(self.db.reader()).await?;
        let read = |text: &String| serde_json::from_str(text).map_err(|error| SqlError::Failed(error.to_string()));
        let keys = rows.iter().map(|row| read(&row.public_jwk)).collect::<Result<_, _>>()?;
        Ok(JwkSet { keys })
    }
}

/// The keys that auth's own verifier knows, without asking itself over HTTP.
#[derive(Debug, Clone)]
pub struct StoreKeys(pub AuthStore);

#[async_trait::async_trait]
impl JwksSource for StoreKeys {
    async fn fetch(&self) -> Result<JwkSet, String> {
        self.0.public_keys().await.map_err(|error| error.to_string())
    }
}
