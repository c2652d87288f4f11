//! What `souk audit` asks of auth's store, read-only.

use souk_bus::{BusError, Outbox as _, SqlOutbox};
use souk_sql::SqlError;

use crate::store::AuthStore;

/// What auth's store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Registered people.
    pub users: u64,
    /// Those of them who run the shop.
    pub admins: u64,
    /// Events that are not published yet.
    pub outbox_pending: u64,
}

/// Reads the facts from the store at `store_url`. Errors: it cannot be opened or read.
pub async fn read(store_url: &str) -> Result<Facts, SqlError> {
    let store = AuthStore::open_to_read(store_url).await?;
    let (users, admins) = store.count_accounts().await?;
    let backlog = SqlOutbox::new(store.db().clone()).backlog().await.map_err(|error| match error {
        BusError::Store(error) => error,
        other => SqlError::Failed(other.to_string()),
    })?;
    Ok(Facts { users, admins, outbox_pending: backlog.pending })
}
