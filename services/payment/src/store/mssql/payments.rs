//! Payments of an order: found by order, payment and key, and saved under the order's row version.

use souk_values::{Id, OrderId, PaymentId, UserId};

use super::{
    MssqlStore,
    cells::{self, required},
    connection::Connection,
    query, saving, statements,
};
use crate::{
    order_payments::OrderPayments,
    store::{Change, KeyMatch, Payments, Saved, StoreError, rows},
};

#[async_trait::async_trait]
impl Payments for MssqlStore {
    async fn order_payments(&self, order: OrderId) -> Result<Option<OrderPayments>, StoreError> {
        let read = self.pool.run(order.get(), |connection, &order| {
            Box::pin(async move {
                // The order is read first: any later change makes its row version stale, and saving conflicts.
                let Some(row) = connection.row(query(statements::ORDER, order)).await? else { return Ok(None) };
                let row = cells::order(&row)?;
                let payments = connection.rows(query(statements::PAYMENTS_OF_ORDER, order)).await?;
                let payments = cells::payments(&payments)?;
                let mut refunds = Vec::new();
                if payments.iter().any(|payment| payment.captured_at.is_some()) {
                    refunds = cells::refunds(&connection.rows(query(statements::REFUNDS_OF_ORDER, order)).await?)?;
                }
                Ok(Some(OrderPayments {
                    order: rows::order(&row)?,
                    payments: rows::payments(payments, refunds)?,
                    row_version: row.row_version,
                }))
            })
        });
        read.await
    }

    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
        let read = self.pool.run(payment, |connection, &payment| {
            Box::pin(async move {
                let row = connection.row(query(statements::ORDER_OF_PAYMENT, payment.get())).await?;
                Ok(row.map(|row| rows::id(required(&row, "order_id")?)).transpose()?)
            })
        });
        read.await
    }

    async fn payment_by_key(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError> {
        let key = (caller, key_hash.to_owned());
        let read = self.pool.run(key, |connection, (caller, key_hash)| {
            Box::pin(find_key(connection, statements::PAYMENT_BY_KEY, *caller, key_hash))
        });
        read.await
    }

    async fn refund_by_key(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError> {
        let key = (admin, key_hash.to_owned());
        let read = self.pool.run(key, |connection, (admin, key_hash)| {
            Box::pin(find_key(connection, statements::REFUND_BY_KEY, *admin, key_hash))
        });
        read.await
    }

    async fn save(&self, change: Change) -> Result<Saved, StoreError> {
        let has_events = !change.events.is_empty();
        let saved = self
            .pool
            .transact(statements::BEGIN, change, |connection, change| Box::pin(saving::save(connection, change)));
        match saved.await {
            Ok(saved) => {
                if has_events {
                    self.committed.notify_one();
                }
                Ok(saved)
            }
            Err(StoreError::Sql(error)) if error.is_unique(saving::INBOX_KEY) => Ok(Saved::Duplicate),
            Err(error) => Err(error),
        }
    }
}

async fn find_key(
    connection: &mut Connection,
    sql: &'static str,
    user: UserId,
    key_hash: &str,
) -> Result<Option<KeyMatch>, StoreError> {
    let mut query = query(sql, user.get());
    query.bind(key_hash.to_owned());
    let Some(row) = connection.row(query).await? else { return Ok(None) };
    Ok(Some(KeyMatch {
        order_id: rows::id(required(&row, "order_id")?)?,
        payment_id: rows::id(required(&row, "payment_id")?)?,
        body_hash: cells::optional::<&str>(&row, "body_hash")?.unwrap_or_default().to_owned(),
    }))
}
