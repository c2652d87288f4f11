//! Opens and migrates a store by its URL, whatever its engine.

use std::sync::Arc;

use souk_bus::Outbox;
use souk_sql::{Access, SqlError};
use souk_values::{Clock, IdGen};

use super::{PaymentStore, migrations::Migrations, mssql, mssql::MssqlStore, sql::SqlStore};

/// An open store, and what it has to tell.
#[derive(Clone)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn PaymentStore>,
    /// Its events that are not published yet.
    pub outbox: Arc<dyn Outbox>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Opens the store at `url` (`sqlite:`, `postgres:`, `mysql:` or `mssql:`) and brings its tables up to date.
///
/// Errors: `Unavailable` when its engine is away.
pub async fn open(url: &str, clock: Arc<dyn Clock>, ids: IdGen) -> Result<Opened, SqlError> {
    if is_mssql(url) {
        let store = MssqlStore::open(url, Access::ReadWrite).await?;
        let outbox = Arc::new(store.outbox(clock, ids));
        return Ok(Opened { store: Arc::new(store), outbox });
    }
    let store = SqlStore::open(url, Access::ReadWrite).await?;
    let outbox = Arc::new(store.outbox());
    Ok(Opened { store: Arc::new(store), outbox })
}

/// Opens the store at `url` for reading only, and changes nothing there.
pub async fn open_to_read(url: &str) -> Result<Arc<dyn PaymentStore>, SqlError> {
    if is_mssql(url) {
        return Ok(Arc::new(MssqlStore::open(url, Access::ReadOnly).await?));
    }
    Ok(Arc::new(SqlStore::open(url, Access::ReadOnly).await?))
}

/// Brings the tables of the store at `url` up to date; answers the names of what was applied.
pub async fn migrate(url: &str) -> Result<Vec<String>, SqlError> {
    if is_mssql(url) { mssql::migrate(url).await } else { souk_sql::migrate::<Migrations>(url).await }
}

/// The names of what [`migrate`] would apply; changes nothing.
pub async fn pending_migrations(url: &str) -> Result<Vec<String>, SqlError> {
    if is_mssql(url) { mssql::pending_migrations(url).await } else { souk_sql::pending::<Migrations>(url).await }
}

fn is_mssql(url: &str) -> bool {
    url.starts_with("mssql:")
}
