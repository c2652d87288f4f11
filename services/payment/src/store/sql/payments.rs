//! Payments of an order: found by order, payment and key, and saved under the order's row version.

use futures::future::BoxFuture;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use souk_bus::{inbox, outbox};
use souk_sql::{Tx, insert_row, row_with, rows_with, update_rows};
use souk_values::{Id, OrderId, PaymentId, UserId};

use super::SqlStore;
use crate::{
    order_payments::OrderPayments,
    store::{
        Change, KeyMatch, Payments, Saved, StoreError,
        changed_rows::{ChangedRow, changed_rows},
        entities::{known_order, payment, payment_refund},
        rows,
    },
};

#[async_trait::async_trait]
impl Payments for SqlStore {
    async fn order_payments(&self, order: OrderId) -> Result<Option<OrderPayments>, StoreError> {
        let db = &self.0.lookup();
        // The order is read first: any later change makes its row version stale, and saving conflicts.
        let known = [(known_order::Column::OrderId, order.get().into())];
        let Some(row) = row_with::<known_order::Entity>(db, &known).await? else { return Ok(None) };
        let mut payments = rows_with::<payment::Entity>(db, &[(payment::Column::OrderId, order.get().into())]).await?;
        payments.sort_unstable_by_key(|payment| payment.payment_id);
        let mut refunds = Vec::new();
        if payments.iter().any(|payment| payment.captured_at.is_some()) {
            refunds = payment_refund::Entity::find()
                .filter(payment_refund::Column::OrderId.eq(order.get()))
                .order_by_asc(payment_refund::Column::RefundId)
                .all(db)
                .await?;
        }
        Ok(Some(OrderPayments {
            order: rows::order(&row)?,
            payments: rows::payments(payments, refunds)?,
            row_version: row.row_version,
        }))
    }

    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
        let row = payment::Entity::find_by_id(payment.get()).one(&self.0.lookup()).await?;
        Ok(row.map(|row| rows::id(row.order_id)).transpose()?)
    }

    async fn payment_by_key(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError> {
        let key = [(payment::Column::UserId, caller.get().into()), (payment::Column::KeyHash, key_hash.into())];
        let row = row_with::<payment::Entity>(&self.0.lookup(), &key).await?;
        let Some(row) = row else { return Ok(None) };
        let order_id = rows::id(row.order_id)?;
        Ok(Some(KeyMatch { order_id, payment_id: rows::id(row.payment_id)?, body_hash: row.body_hash }))
    }

    async fn refund_by_key(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyMatch>, StoreError> {
        let row = payment_refund::Entity::find()
            .filter(payment_refund::Column::AskedBy.eq(admin.get()))
            .filter(payment_refund::Column::KeyHash.eq(key_hash))
            .one(&self.0.lookup())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let order_id = rows::id(row.order_id)?;
        let body_hash = row.body_hash.unwrap_or_default();
        Ok(Some(KeyMatch { order_id, payment_id: rows::id(row.payment_id)?, body_hash }))
    }

    async fn save(&self, change: Change) -> Result<Saved, StoreError> {
        match change.cause {
            // No one waits for what an event changes.
            Some(_) => self.0.write_without_hurry(change, save_boxed).await,
            None => self.0.write(change, save_boxed).await,
        }
    }
}

fn save_boxed<'t>(tx: &'t Tx, change: &'t Change) -> BoxFuture<'t, Result<Saved, StoreError>> {
    Box::pin(save(tx, change))
}

async fn save(tx: &Tx, change: &Change) -> Result<Saved, StoreError> {
    if let Some(cause) = change.cause
        && !inbox::record(tx, cause.queue, cause.event_id, change.now).await?
    {
        return Ok(Saved::Duplicate);
    }
    save_order(tx, change).await?;
    for row in changed_rows(change) {
        save_row(tx, row).await?;
    }
    outbox::add(tx, &change.events).await?;
    Ok(Saved::Done)
}

/// Advances the row version of the order. Of two changes with the same version, the second finds no row.
async fn save_order(tx: &Tx, Change { before, after, .. }: &Change) -> Result<(), StoreError> {
    let Some(before) = before else {
        let row = rows::known_order(&after.order, 1);
        insert_row(tx, all_set::<known_order::ActiveModel>(row)).await?;
        return Ok(());
    };
    let row = rows::known_order(&after.order, before.row_version.saturating_add(1));
    let unchanged = [
        (known_order::Column::OrderId, after.order.order_id.get().into()),
        (known_order::Column::RowVersion, before.row_version.into()),
    ];
    let updated = update_rows(tx, all_set::<known_order::ActiveModel>(row), &unchanged).await?;
    if updated == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn save_row(tx: &Tx, row: ChangedRow) -> Result<(), StoreError> {
    let written = match row {
        ChangedRow::NewPayment(row) => {
            insert_row(tx, all_set::<payment::ActiveModel>(row)).await?;
            1
        }
        ChangedRow::NewRefund(row) => {
            insert_row(tx, all_set::<payment_refund::ActiveModel>(row)).await?;
            1
        }
        ChangedRow::Payment(row) => {
            let same = [(payment::Column::PaymentId, row.payment_id.into())];
            update_rows(tx, all_set::<payment::ActiveModel>(row), &same).await?
        }
        ChangedRow::Refund(row, next_query) => {
            let same = payment_refund::Column::RefundId.eq(row.refund_id);
            let mut update = payment_refund::Entity::update_many().set(all_set::<payment_refund::ActiveModel>(row));
            if let Some(at) = next_query {
                update = update.col_expr("next_ask_at", Expr::val(at.millis()));
            }
            update.filter(same).exec(tx).await?.rows_affected
        }
    };
    // The service deletes no row, so one that vanished since it was read means another or a damaged store.
    if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Marks every column of `model` for writing.
fn all_set<A: ActiveModelTrait>(model: impl Into<A>) -> A {
    model.into().reset_all()
}
