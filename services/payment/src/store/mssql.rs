//! The store on SQL Server.
//!
//! It was run whole against a T-SQL server that is not Microsoft's; never against Microsoft's. The contract tests passed
//! there (25 of 25, in plain text and over TLS), the whole shop's purchase checks (17 of 17), and a load with two crashes
//! of the server, whose audit was clean. Younger than that run, and sent to no T-SQL server yet: the second migration,
//! accounts, attempts at refunds, `schedule.rs`, and sums by days of a time zone. Unproven stay: waits for locks with
//! `READ_COMMITTED_SNAPSHOT` off; its own SNAPSHOT and SERIALIZABLE (3960, 3961); 1222; 1934 and the SET options;
//! `DELAYED_DURABILITY`; 4060 and 2628; OUTPUT beside triggers; roles with the least privileges; `SINGLE_USER`. See
//! `docs/store-engines.md`.

mod address;
mod cells;
mod connection;
mod errors;
mod migrating;
mod outbox;
mod payments;
mod pool;
mod references;
mod reports;
mod saving;
mod schedule;
mod statements;

#[cfg(test)]
mod fake_server;
#[cfg(test)]
mod wire_tests;

use std::{sync::Arc, time::Duration};

use souk_bus::inbox;
use souk_sql::{Access, ConnectionCounts, SqlError};
use souk_values::{Clock, IdGen, Timestamp};
use tiberius::{IntoSql, Query};
use tokio::sync::Notify;

use self::{
    address::{Address, Encryption},
    cells::required,
    connection::Connection,
    outbox::MssqlOutbox,
    pool::Pool,
};
use super::{Maintenance, PaymentStore, StoreError};

/// Limit of the requests that open the store and check the settings of the database.
const OPENING_LIMIT: Duration = Duration::from_secs(10);
/// Inbox events deleted in one transaction, so that a month of rows does not block other writes.
const PURGE_BATCH: i64 = 1_000;

/// Payment's store on SQL Server. Cloning shares it.
#[derive(Debug, Clone)]
pub(in crate::store) struct MssqlStore {
    pool: Pool,
    /// Notified after each commit of events.
    committed: Arc<Notify>,
    /// Statement that begins a transaction over one snapshot.
    begin_snapshot: &'static str,
}

impl MssqlStore {
    /// Opens the store at `url`, and migrates it if access permits.
    ///
    /// Errors: an invalid address; a server that does not respond; a database with forced delayed durability.
    pub async fn open(url: &str, access: Access) -> Result<Self, SqlError> {
        Self::open_at(Address::parse(url)?, access).await
    }

    async fn open_at(address: Address, access: Access) -> Result<Self, SqlError> {
        let mut connection = Connection::open(&address, OPENING_LIMIT).await?;
        let begin_snapshot = check_database(&mut connection).await?;
        drop(connection);
        if access == Access::ReadWrite {
            // Once for each store, instead of the driver's warning for each connection, which the log leaves out.
            if let Some(risk) = address.risk() {
                tracing::warn!(host = address.host, "{risk}");
            }
            migrating::migrate(&address).await?;
        }
        Ok(Self { pool: Pool::new(address), committed: Arc::new(Notify::new()), begin_snapshot })
    }

    pub fn outbox(&self, clock: Arc<dyn Clock>, ids: IdGen) -> MssqlOutbox {
        MssqlOutbox { pool: self.pool.clone(), clock, ids, committed: Arc::clone(&self.committed) }
    }
}

impl Address {
    /// Returns a sentence about the options that give up protection; `None` when the connections are encrypted and the
    /// server is verified.
    fn risk(&self) -> Option<&'static str> {
        match (self.encryption, self.trusts_certificate) {
            (Encryption::All, false) => None,
            (Encryption::All, true) => Some(
                "trust_server_certificate=true: the certificate of SQL Server is not checked, so another server may pose as it",
            ),
            (_, false) => Some("encrypt=false: requests to SQL Server and its responses are not encrypted"),
            (_, true) => Some(
                "encrypt=false and trust_server_certificate=true: requests to SQL Server and its responses are not \
                 encrypted, and its certificate is not checked",
            ),
        }
    }
}

/// Migrates the store at `url`; returns the names of the migrations applied.
pub(super) async fn migrate(url: &str) -> Result<Vec<String>, SqlError> {
    migrating::migrate(&Address::parse(url)?).await
}

/// Returns the names of the migrations that the store at `url` lacks; changes nothing.
pub(super) async fn pending_migrations(url: &str) -> Result<Vec<String>, SqlError> {
    migrating::pending(&Address::parse(url)?).await
}

/// Returns the statement that begins a transaction over one snapshot in this database.
///
/// Errors: the database acknowledges commits before they are on disk.
async fn check_database(connection: &mut Connection) -> Result<&'static str, SqlError> {
    let row = connection.row(Query::new(statements::DATABASE)).await?;
    let row =
        row.ok_or_else(|| SqlError::Failed("SQL Server does not show the settings of the database".to_owned()))?;
    if required::<i64>(&row, "delayed_durability")? == 2 {
        return Err(SqlError::Failed(
            "the database has DELAYED_DURABILITY = FORCED and may lose acknowledged payments; set it to DISABLED"
                .to_owned(),
        ));
    }
    Ok(match required(&row, "snapshot_state")? {
        1_i64 => statements::BEGIN_SNAPSHOT,
        _ => statements::BEGIN_SERIALIZABLE,
    })
}

/// Returns `sql` with its first parameter bound.
fn query(sql: &'static str, parameter: impl IntoSql<'static> + 'static) -> Query<'static> {
    let mut query = Query::new(sql);
    query.bind(parameter);
    query
}

impl PaymentStore for MssqlStore {}

#[async_trait::async_trait]
impl Maintenance for MssqlStore {
    /// Each replica runs the job: it deletes by time alone, so that a second run finds nothing to do.
    async fn claim_job(&self, _: &'static str, _: Timestamp, _: Duration) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn purge_inbox(&self, now: Timestamp) -> Result<u64, StoreError> {
        let before = now.minus(inbox::RETENTION);
        let mut total = 0;
        loop {
            let batch = self.pool.transact(statements::BEGIN, before, |connection, &before| {
                Box::pin(saving::purge_inbox(connection, before, PURGE_BATCH))
            });
            let purged = batch.await?;
            total += purged;
            if purged == 0 {
                return Ok(total);
            }
        }
    }

    fn connections(&self) -> ConnectionCounts {
        self.pool.connections()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let ping = self
            .pool
            .run((), |connection, ()| Box::pin(async move { Ok(connection.batch(statements::PING).await.map(drop)?) }));
        ping.await
    }
}
