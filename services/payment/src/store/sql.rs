//! The store on SQLite, PostgreSQL or MySQL; the URL chooses.

mod entities;
mod reading;
mod rows;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use souk_bus::{inbox, outbox};
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{Id, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};

use self::entities::{known_order, payment, payment_refund};
use super::{
    Change, Filter, KeyHit, OpenPayment, OpenRefund, PaymentStore, Saved, Standing, StoreError, Tallies,
    migrations::Migrations,
};
use crate::{
    account::Account,
    payment::{Payment, Refund},
};

/// Payment's store over SeaORM. Cloning shares it.
#[derive(Debug, Clone)]
pub struct SqlStore(Db);

impl SqlStore {
    /// Opens the store at `url`, and brings its tables up to date if it may write.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<Migrations>().await?;
        }
        Ok(Self(db))
    }

    /// Its connection, for what the bus keeps in it.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0
    }

    /// Its events that are not published yet.
    #[must_use]
    pub fn outbox(&self) -> souk_bus::SqlOutbox {
        souk_bus::SqlOutbox::new(self.0.clone())
    }
}

#[async_trait::async_trait]
impl PaymentStore for SqlStore {
    async fn account(&self, order: OrderId) -> Result<Option<Account>, StoreError> {
        reading::account(self.0.reader(), order).await
    }

    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
        reading::order_of(self.0.reader(), payment).await
    }

    async fn payment_under(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError> {
        reading::payment_under(self.0.reader(), caller, key_hash).await
    }

    async fn refund_under(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError> {
        reading::refund_under(self.0.reader(), admin, key_hash).await
    }

    async fn save(&self, change: Change) -> Result<Saved, StoreError> {
        self.0.write(change, |tx, change| Box::pin(save(tx, change))).await
    }

    async fn open_payments(&self, before: Timestamp, after: i64) -> Result<Vec<OpenPayment>, StoreError> {
        reading::open_payments(self.0.reader(), before, after).await
    }

    async fn open_refunds(&self, before: Timestamp, after: i64) -> Result<Vec<OpenRefund>, StoreError> {
        reading::open_refunds(self.0.reader(), before, after).await
    }

    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError> {
        reading::list(self.0.reader(), filter, page).await
    }

    async fn tallies(&self, from_day: i64) -> Result<Tallies, StoreError> {
        reading::tallies(self.0.reader(), from_day).await
    }

    async fn standing(&self, stuck_before: Timestamp) -> Result<Standing, StoreError> {
        reading::standing(self.0.reader(), stuck_before).await
    }

    async fn everything(&self) -> Result<(Vec<Payment>, u64), StoreError> {
        reading::everything(&self.0).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.0.ping().await?)
    }
}

async fn save(tx: &Tx, change: &Change) -> Result<Saved, StoreError> {
    if let Some(cause) = change.cause
        && !inbox::first_time(tx, cause.queue, cause.event_id, change.now).await?
    {
        return Ok(Saved::Duplicate);
    }
    save_order(tx, change).await?;
    let known: &[Payment] = change.before.as_ref().map_or(&[], |before| &before.payments);
    for payment in &change.after.payments {
        save_payment(tx, known, payment).await?;
    }
    outbox::add(tx, &change.events).await?;
    Ok(Saved::Done)
}

/// Takes the account: whoever comes second with the same row version finds no row.
async fn save_order(tx: &Tx, Change { before, after, .. }: &Change) -> Result<(), StoreError> {
    let Some(before) = before else {
        let row = rows::known_order(&after.order, 1);
        known_order::Entity::insert(row).exec_without_returning(tx).await?;
        return Ok(());
    };
    let taken = known_order::Entity::update_many()
        .set(rows::known_order(&after.order, before.row_version.saturating_add(1)))
        .filter(known_order::Column::OrderId.eq(after.order.order_id.get()))
        .filter(known_order::Column::RowVersion.eq(before.row_version))
        .exec(tx)
        .await?;
    if taken.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn save_payment(tx: &Tx, known: &[Payment], payment: &Payment) -> Result<(), StoreError> {
    let before = known.iter().find(|before| before.payment_id == payment.payment_id);
    match before {
        Some(before) if before == payment => return Ok(()),
        None => {
            payment::Entity::insert(rows::payment(payment)).exec_without_returning(tx).await?;
        }
        Some(_) => {
            let same = payment::Column::PaymentId.eq(payment.payment_id.get());
            payment::Entity::update_many().set(rows::payment(payment)).filter(same).exec(tx).await?;
        }
    }
    let refunds: &[Refund] = before.map_or(&[], |before| &before.refunds);
    for refund in &payment.refunds {
        let row = rows::refund(payment, refund);
        match refunds.iter().find(|before| before.refund_id == refund.refund_id) {
            Some(before) if before == refund => {}
            None => {
                payment_refund::Entity::insert(row).exec_without_returning(tx).await?;
            }
            Some(_) => {
                let same = payment_refund::Column::RefundId.eq(refund.refund_id.get());
                payment_refund::Entity::update_many().set(row).filter(same).exec(tx).await?;
            }
        }
    }
    Ok(())
}
