//! Known devices, by the hashes of their tokens.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AuthStore,
    entities::known_device::{ActiveModel, Column, Entity},
};
use crate::device::Device;

impl AuthStore {
    pub(crate) async fn device(&self, token_hash: &str) -> Result<Option<Device>, SqlError> {
        let row = Entity::find_by_id(token_hash.to_owned()).one(self.db.reader()).await?;
        Ok(row.and_then(|row| {
            let user_id = UserId::new(row.user_id).ok()?;
            Some(Device { token_hash: row.token_hash, user_id, expires_at: Timestamp::from_millis(row.expires_at) })
        }))
    }
}

/// Inserts a device as part of a transaction.
pub(super) async fn insert(tx: &Tx, device: &Device) -> Result<(), SqlError> {
    let row = ActiveModel {
        token_hash: Set(device.token_hash.clone()),
        user_id: Set(device.user_id.get()),
        expires_at: Set(device.expires_at.millis()),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Forgets the devices of a user, from whichever someone else may have signed in.
pub(super) async fn forget(tx: &Tx, user: UserId) -> Result<(), SqlError> {
    Entity::delete_many().filter(Column::UserId.eq(user.get())).exec(tx).await?;
    Ok(())
}
