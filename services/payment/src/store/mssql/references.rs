//! References of the provider.

use souk_values::{Id, PaymentId, Timestamp};

use super::{MssqlStore, cells, query, statements};
use crate::store::{References, StoreError};

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
        let row = (payment, reference.to_owned(), now);
        let insert = self.pool.transact(statements::BEGIN, row, |connection, (payment, reference, now)| {
            Box::pin(async move {
                let mut query = query(statements::INSERT_REFERENCE, payment.get());
                query.bind(reference.clone());
                query.bind(cells::time(now.millis())?);
                connection.execute(query).await?;
                Ok(())
            })
        });
        insert.await
    }
}
