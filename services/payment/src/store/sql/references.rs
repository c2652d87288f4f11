//! References of the provider.

use sea_orm::{EntityTrait, Set};
use souk_values::{Id, PaymentId, Timestamp};

use super::SqlStore;
use crate::store::{References, StoreError, entities::provider_reference};

#[async_trait::async_trait]
impl References for SqlStore {
    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError> {
        let row = provider_reference::Entity::find_by_id(payment.get()).one(&self.0.lookup()).await?;
        Ok(row.map(|row| row.reference))
    }

    async fn insert_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<(), StoreError> {
        let row = provider_reference::ActiveModel {
            payment_id: Set(payment.get()),
            reference: Set(reference.to_owned()),
            noted_at: Set(now.millis()),
        };
        let inserted = self.0.write(row, |tx, row| {
            let insert = provider_reference::Entity::insert(row.clone());
            Box::pin(async move { insert.exec_without_returning(tx).await.map(|_| ()).map_err(StoreError::from) })
        });
        inserted.await
    }
}
