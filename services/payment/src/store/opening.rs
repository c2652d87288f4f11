//! Opens and migrates a store by its URL, on any engine.

use std::sync::Arc;

use souk_bus::Outbox;
use souk_sql::{Access, SqlError};
use souk_values::{Clock, IdGen};

use super::{PaymentStore, migrations::Migrations, mssql, mssql::MssqlStore, sql::SqlStore};

#[derive(Clone)]
pub struct OpenStore {
    pub store: Arc<dyn PaymentStore>,
    pub outbox: Arc<dyn Outbox>,
}

impl std::fmt::Debug for OpenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenStore").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Opens the store at `url` (`sqlite:`, `postgres:`, `mysql:` or `mssql:`) and migrates it.
///
/// Errors: `Unavailable` when the engine cannot be reached.
pub async fn open(url: &str, clock: Arc<dyn Clock>, ids: IdGen) -> Result<OpenStore, SqlError> {
    if is_mssql(url) {
        let store = MssqlStore::open(url, Access::ReadWrite).await?;
        let outbox = Arc::new(store.outbox(clock, ids));
        return Ok(OpenStore { store: Arc::new(store), outbox });
    }
    let store = SqlStore::open(url, Access::ReadWrite).await?;
    let outbox = Arc::new(store.outbox());
    Ok(OpenStore { store: Arc::new(store), outbox })
}

/// Opens the store at `url` for reading only, without migrating it.
pub async fn open_to_read(url: &str) -> Result<Arc<dyn PaymentStore>, SqlError> {
    if is_mssql(url) {
        return Ok(Arc::new(MssqlStore::open(url, Access::ReadOnly).await?));
    }
    Ok(Arc::new(SqlStore::open(url, Access::ReadOnly).await?))
}

/// Migrates the store at `url`; returns the names of the migrations applied.
pub async fn migrate(url: &str) -> Result<Vec<String>, SqlError> {
    if is_mssql(url) { mssql::migrate(url).await } else { souk_sql::migrate::<Migrations>(url).await }
}

/// Returns the names of the migrations that the store at `url` lacks; changes nothing.
pub async fn pending_migrations(url: &str) -> Result<Vec<String>, SqlError> {
    if is_mssql(url) {
        mssql::pending_migrations(url).await
    } else {
        souk_sql::pending_migrations::<Migrations>(url).await
    }
}

/// Returns true for a URL of SQL Server.
pub(crate) fn is_mssql(url: &str) -> bool {
    url.starts_with("mssql:")
}
