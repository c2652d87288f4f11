//! The store on SQLite, PostgreSQL, MySQL and MariaDB; the scheme of the URL chooses.

mod payments;
mod references;
mod reports;
mod schedule;

use std::time::Duration;

use souk_bus::{SqlOutbox, inbox};
use souk_sql::{Access, ConnectionCounts, Db, SqlError};
use souk_values::Timestamp;

use super::{Maintenance, PaymentStore, StoreError, migrations::Migrations};

/// Payment's store over SeaORM. Cloning shares it.
#[derive(Debug, Clone)]
pub(super) struct SqlStore(Db);

impl SqlStore {
    /// Opens the store at `url`, and migrates it if access permits.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<Migrations>().await?;
        }
        Ok(Self(db))
    }

    pub fn outbox(&self) -> SqlOutbox {
        SqlOutbox::new(self.0.clone())
    }
}

impl PaymentStore for SqlStore {}

#[async_trait::async_trait]
impl Maintenance for SqlStore {
    async fn claim_job(&self, job: &'static str, now: Timestamp, period: Duration) -> Result<bool, StoreError> {
        Ok(souk_sql::claim_job(&self.0, job, now, period).await?)
    }

    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(inbox::purge_old(&self.0, now).await?)
    }

    fn connections(&self) -> ConnectionCounts {
        self.0.reader().connections()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.0.ping().await?)
    }
}
