//! The store on SQL Server. Nothing of it has been run against one; see `docs/store-engines.md`.

mod address;
mod cells;
mod failures;
mod link;
mod migrating;
mod outbox;
mod pool;
mod reading;
mod saving;
mod statements;

#[cfg(test)]
mod pretended_server;
#[cfg(test)]
mod wire_tests;

use std::{sync::Arc, time::Duration};

use souk_bus::inbox;
use souk_events::Envelope;
use souk_sql::{Access, Connections, SqlError};
use souk_values::{Clock, Id, IdGen, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};
use tiberius::Query;
use tokio::sync::Notify;

use self::{address::Address, cells::required, link::Link, outbox::MssqlOutbox, pool::Pool};
use super::{
    Change, Filter, KeyHit, OpenPayment, OpenRefund, PaymentStore, Saved, Standing, StoreError, Tallies,
    tables::provider_reference,
};
use crate::{account::Account, payment::Payment};

/// How long opening the store and asking what the database is set to may take a request.
const ASKING: Duration = Duration::from_secs(10);
/// How many old events are forgotten in one transaction.
const FORGET_AT_ONCE: i64 = 1_000;

/// Payment's store on SQL Server. Cloning shares it.
#[derive(Debug, Clone)]
pub(in crate::store) struct MssqlStore {
    pool: Pool,
    /// Woken when events were committed.
    committed: Arc<Notify>,
    /// What a transaction begins with that is to see one state.
    begin_snapshot: &'static str,
}

impl MssqlStore {
    /// Opens the store at `url`, and brings its tables up to date if it may write.
    ///
    /// Errors: a wrong address; a server that does not answer; a database that may forget what it acknowledged.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        Self::open_at(Address::parse(url)?, access).await
    }

    async fn open_at(address: Address, access: Access) -> Result<Self, SqlError> {
        let mut link = Link::open(&address, ASKING).await?;
        let begin_snapshot = look_at_database(&mut link).await?;
        drop(link);
        if access == Access::ReadWrite {
            migrating::migrate(&address).await?;
        }
        Ok(Self { pool: Pool::new(address), committed: Arc::new(Notify::new()), begin_snapshot })
    }

    /// Its events that are not published yet.
    pub fn outbox(&self, clock: Arc<dyn Clock>, ids: IdGen) -> MssqlOutbox {
        MssqlOutbox { pool: self.pool.clone(), clock, ids, committed: Arc::clone(&self.committed) }
    }
}

/// Applies what is pending at `url`; answers the names.
pub(super) async fn migrate(url: &str) -> Result<Vec<String>, SqlError> {
    migrating::migrate(&Address::parse(url)?).await
}

/// The names of what [`migrate`] would apply.
pub(super) async fn pending_migrations(url: &str) -> Result<Vec<String>, SqlError> {
    migrating::pending(&Address::parse(url)?).await
}

/// How a transaction that sees one state is begun in this database. Refuses one that answers a commit before
/// it is on disk.
async fn look_at_database(link: &mut Link) -> Result<&'static str, SqlError> {
    let row = link.row(Query::new(statements::DATABASE)).await?;
    let row = row.ok_or_else(|| SqlError::Failed("SQL Server does not tell what the database is set to".to_owned()))?;
    if required::<i64>(&row, "delayed_durability")? == 2 {
        return Err(SqlError::Failed(
            "the database has DELAYED_DURABILITY = FORCED and may forget payments; set it to DISABLED".to_owned(),
        ));
    }
    Ok(match required(&row, "snapshot_state")? {
        1_i64 => statements::BEGIN_SNAPSHOT,
        _ => statements::BEGIN_SERIALIZABLE,
    })
}

#[async_trait::async_trait]
impl PaymentStore for MssqlStore {
    async fn account(&self, order: OrderId) -> Result<Option<Account>, StoreError> {
        self.pool.run(order, |link, &order| Box::pin(reading::account(link, order))).await
    }

    async fn order_of(&self, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
        self.pool.run(payment, |link, &payment| Box::pin(reading::order_of(link, payment))).await
    }

    async fn payment_under(&self, caller: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError> {
        let key = (caller, key_hash.to_owned());
        self.pool.run(key, |link, (caller, key)| Box::pin(reading::payment_under(link, *caller, key))).await
    }

    async fn refund_under(&self, admin: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError> {
        let key = (admin, key_hash.to_owned());
        self.pool.run(key, |link, (admin, key)| Box::pin(reading::refund_under(link, *admin, key))).await
    }

    async fn save(&self, change: Change) -> Result<Saved, StoreError> {
        let tells = !change.events.is_empty();
        let saved = self.pool.transact(statements::BEGIN, change, |link, change| Box::pin(saving::save(link, change)));
        match saved.await {
            Ok(saved) => {
                if tells {
                    self.committed.notify_one();
                }
                Ok(saved)
            }
            Err(StoreError::Sql(error)) if error.is_unique(saving::INBOX_KEY) => Ok(Saved::Duplicate),
            Err(error) => Err(error),
        }
    }

    async fn open_payments(&self, before: Timestamp, after: i64) -> Result<Vec<OpenPayment>, StoreError> {
        self.pool
            .run((before, after), |link, &(before, after)| Box::pin(reading::open_payments(link, before, after)))
            .await
    }

    async fn open_refunds(&self, before: Timestamp, after: i64) -> Result<Vec<OpenRefund>, StoreError> {
        self.pool
            .run((before, after), |link, &(before, after)| Box::pin(reading::open_refunds(link, before, after)))
            .await
    }

    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError> {
        self.pool.run((filter, page), |link, &(filter, page)| Box::pin(reading::list(link, filter, page))).await
    }

    async fn tallies(&self, from_day: i64) -> Result<Tallies, StoreError> {
        self.pool.run(from_day, |link, &from_day| Box::pin(reading::tallies(link, from_day))).await
    }

    async fn standing(&self, stuck_before: Timestamp) -> Result<Standing, StoreError> {
        self.pool.run(stuck_before, |link, &before| Box::pin(reading::standing(link, before))).await
    }

    async fn everything(&self) -> Result<(Vec<Payment>, u64), StoreError> {
        self.pool.transact(self.begin_snapshot, (), |link, ()| Box::pin(reading::everything(link))).await
    }

    async fn note_reference(&self, payment: PaymentId, reference: &str, now: Timestamp) -> Result<String, StoreError> {
        if let Some(kept) = self.reference(payment).await? {
            return Ok(kept);
        }
        let (payment_id, noted_at) = (payment.get(), now.millis());
        let row = provider_reference::Model { payment_id, reference: reference.to_owned(), noted_at };
        let noted = self.pool.transact(statements::BEGIN, row, |link, row| Box::pin(saving::note_reference(link, row)));
        match noted.await {
            Ok(()) => Ok(reference.to_owned()),
            // Somebody noted one in between: that is the first.
            Err(StoreError::Conflict) => self.reference(payment).await?.ok_or(StoreError::Conflict),
            Err(error) => Err(error),
        }
    }

    async fn reference(&self, payment: PaymentId) -> Result<Option<String>, StoreError> {
        self.pool.run(payment, |link, &payment| Box::pin(reading::reference(link, payment))).await
    }

    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError> {
        self.pool.run(i64::MAX, |link, &limit| Box::pin(outbox::unpublished(link, limit))).await
    }

    async fn forget_old(&self, now: Timestamp) -> Result<u64, StoreError> {
        let before = now.minus(inbox::REMEMBERED);
        let mut forgotten = 0;
        loop {
            // A part at a time, so that nobody's write waits behind a month of rows.
            let part = self.pool.transact(statements::BEGIN, before, |link, &before| {
                Box::pin(saving::forget_events(link, before, FORGET_AT_ONCE))
            });
            let gone = part.await?;
            forgotten += gone;
            if gone == 0 {
                return Ok(forgotten);
            }
        }
    }

    fn connections(&self) -> Connections {
        self.pool.connections()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.pool.run((), |link, ()| Box::pin(async move { Ok(link.batch(statements::PING).await.map(drop)?) })).await
    }
}
