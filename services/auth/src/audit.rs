//! Facts about auth's store for `souk audit`.

use souk_bus::{BusError, Outbox as _, SqlOutbox};
use souk_sql::SqlError;

use crate::store::AuthStore;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthAuditFacts {
    /// Number of accounts, those of admins included.
    pub users: u64,
    /// Number of admins, locked ones included.
    pub admins: u64,
    /// Number of events not yet published.
    pub outbox_pending: u64,
}

/// Reads the store at `store_url`; the service may be running.
pub async fn read(store_url: &str) -> Result<AuthAuditFacts, SqlError> {
    let store = AuthStore::open_read_only(store_url).await?;
    let (users, admins) = store.count_accounts().await?;
    let backlog = SqlOutbox::new(store.db().clone()).backlog().await.map_err(|error| match error {
        BusError::Store(error) => error,
        other => SqlError::Failed(other.to_string()),
    })?;
    Ok(AuthAuditFacts { users, admins, outbox_pending: backlog.pending })
}
