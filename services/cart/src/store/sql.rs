//! The store on SQL. A row is saved only if it still has the version that the decision was based on.

mod audit;
mod carts;
mod known_products;
mod orders;
mod purchases;
mod wishlists;

use std::time::Duration;

use souk_bus::{SqlOutbox, inbox};
use souk_sql::{Access, Db, SqlError};
use souk_values::{Currency, Id, Timestamp, UserId};

pub(crate) use audit::read_facts;

use super::{CartStore, EngineStats, StoreError, migrations::Migrations};

#[derive(Debug)]
pub struct SqlCartStore {
    db: Db,
    /// Currency of the prices, which are stored without one.
    currency: Currency,
}

/// Opens and migrates the store at `url`, with its outbox.
pub async fn open(url: &str, currency: Currency) -> Result<(SqlCartStore, SqlOutbox), SqlError> {
    let db = Db::open(url, Access::ReadWrite).await?;
    db.migrate::<Migrations>().await?;
    let outbox = SqlOutbox::new(db.clone());
    Ok((SqlCartStore { db, currency }, outbox))
}

#[async_trait::async_trait]
impl CartStore for SqlCartStore {
    async fn ping(&self, _now: Timestamp) -> Result<EngineStats, StoreError> {
        self.db.ping().await?;
        Ok(EngineStats { connections: self.db.reader().connections(), keyspace: None })
    }

    async fn claim_job(&self, job: &'static str, now: Timestamp, period: Duration) -> Result<bool, StoreError> {
        Ok(souk_sql::claim_job(&self.db, job, now, period).await?)
    }

    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(inbox::purge_old(&self.db, now).await?)
    }

    async fn purge_orders(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(orders::purge(&self.db, now).await?)
    }
}

fn damaged(what: &str, number: i64) -> SqlError {
    SqlError::Failed(format!("the store holds {number}, which is not a valid {what}"))
}

fn user_id(number: i64) -> Result<UserId, SqlError> {
    UserId::new(number).map_err(|_| damaged("user id", number))
}

/// Another transaction wrote the row between this one's read and write; as a busy store the act is run again.
fn lost_race(what: &str) -> StoreError {
    SqlError::Busy(format!("another transaction changed this {what} first")).into()
}

/// An insert that finds the row there lost a race too.
fn insert_error(error: sea_orm::DbErr, what: &str) -> StoreError {
    match SqlError::from(error) {
        SqlError::Unique(_) => lost_race(what),
        error => error.into(),
    }
}
