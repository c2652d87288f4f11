//! The store on SQLite, PostgreSQL or MySQL; the URL chooses.

mod reading;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use souk_bus::{BusError, Outbox, inbox, outbox};
use souk_events::Envelope;
use souk_sql::{Access, Connections, Db, SqlError, Tx};
use souk_values::{Id, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};

use super::{
    Change, Filter, KeyHit, OpenPayment, OpenRefund, PaymentStore, Saved, Standing, StoreError, Tallies,
    changed_rows::{ChangedRow, changed_rows},
    migrations::Migrations,
    rows,
    tables::{known_order, payment, payment_refund, provider_reference},
};
use crate::{account::Account, payment::Payment};

/// Payment's store over SeaORM. Cloning shares it.
#[derive(Debug, Clone)]
pub(super) struct SqlStore(Db);

impl SqlStore {
    /// Opens the store at `url`, and brings its tables up to date if it may write.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<Migrations>().await?;
        }
        Ok(Self(db))
    }

    /// Its events that are not published yet.
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

    async fn note_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<String, StoreError> {
        if let Some(kept) = self.reference(payment).await? {
            return Ok(kept);
        }
        let row = provider_reference::ActiveModel {
            payment_id: Set(payment.get()),
            reference: Set(reference.to_owned()),
            noted_at: Set(now.millis()),
        };
        let noted = self.0.write(row, |tx, row| {
            let insert = provider_reference::Entity::insert(row.clone());
            Box::pin(async move { insert.exec_without_returning(tx).await.map(|_| ()).map_err(StoreError::from) })
        });
        match noted.await {
            Ok(()) => Ok(reference.to_owned()),
            // Somebody noted one in between: that is the first.
            Err(StoreError::Conflict) => self.reference(payment).await?.ok_or(StoreError::Conflict),
            Err(error) => Err(error),
        }
    }

    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError> {
        let row = provider_reference::Entity::find_by_id(payment.get()).one(self.0.reader()).await?;
        Ok(row.map(|row| row.reference))
    }

    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError> {
        // As many as any engine can count.
        let everything = self.outbox().unpublished(i64::MAX.unsigned_abs()).await;
        everything.map_err(|error| match error {
            BusError::Store(error) => error.into(),
            error => SqlError::Failed(error.to_string()).into(),
        })
    }

    async fn forget_old(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(inbox::forget_old(&self.0, now).await?)
    }

    fn connections(&self) -> Connections {
        self.0.reader().connections()
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
    for row in changed_rows(change) {
        save_row(tx, row).await?;
    }
    outbox::add(tx, &change.events).await?;
    Ok(Saved::Done)
}

/// Takes the account: whoever comes second with the same row version finds no row.
async fn save_order(tx: &Tx, Change { before, after, .. }: &Change) -> Result<(), StoreError> {
    let Some(before) = before else {
        let row = rows::known_order(&after.order, 1);
        known_order::Entity::insert(all_set::<known_order::ActiveModel>(row)).exec_without_returning(tx).await?;
        return Ok(());
    };
    let row = rows::known_order(&after.order, before.row_version.saturating_add(1));
    let taken = known_order::Entity::update_many()
        .set(all_set::<known_order::ActiveModel>(row))
        .filter(known_order::Column::OrderId.eq(after.order.order_id.get()))
        .filter(known_order::Column::RowVersion.eq(before.row_version))
        .exec(tx)
        .await?;
    if taken.rows_affected == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn save_row(tx: &Tx, row: ChangedRow) -> Result<(), StoreError> {
    let written = match row {
        ChangedRow::NewPayment(row) => {
            payment::Entity::insert(all_set::<payment::ActiveModel>(row)).exec_without_returning(tx).await?
        }
        ChangedRow::NewRefund(row) => {
            payment_refund::Entity::insert(all_set::<payment_refund::ActiveModel>(row))
                .exec_without_returning(tx)
                .await?
        }
        ChangedRow::Payment(row) => {
            let same = payment::Column::PaymentId.eq(row.payment_id);
            let update = payment::Entity::update_many().set(all_set::<payment::ActiveModel>(row));
            update.filter(same).exec(tx).await?.rows_affected
        }
        ChangedRow::Refund(row) => {
            let same = payment_refund::Column::RefundId.eq(row.refund_id);
            let update = payment_refund::Entity::update_many().set(all_set::<payment_refund::ActiveModel>(row));
            update.filter(same).exec(tx).await?.rows_affected
        }
    };
    // What was read is gone: nobody deletes, so this is another's store or a damaged one; read again.
    if written == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Every column of `model`, to be written.
fn all_set<A: ActiveModelTrait>(model: impl Into<A>) -> A {
    model.into().reset_all()
}
