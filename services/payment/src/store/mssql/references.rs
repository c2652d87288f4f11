//! References of the provider.

use souk_values::{Id, PaymentId, Timestamp};

use super::{MssqlStore, cells, query, saving, statements};
use crate::store::{References, StoreError, entities::provider_reference};

#[async_trait::async_trait]
impl References for MssqlStore {
    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError> {
        let read = self.pool.run(payment, |connection, &payment| {
            Box::pin(async move {
                let row = connection.row(query(statements::REFERENCE, payment.get())).await?;
                Ok(row.map(|row| cells::text(&row, "reference")).transpose()?)
            })
        });
        read.await
    }

    async fn insert_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<(), StoreError> {
        let row = provider_reference::Model {
            payment_id: payment.get(),
            reference: reference.to_owned(),
            noted_at: now.millis(),
        };
        let insert = self
            .pool
            .transact(statements::BEGIN, row, |connection, row| Box::pin(saving::insert_reference(connection, row)));
        insert.await
    }
}
