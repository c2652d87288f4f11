//! Background work: expiring items, and metrics that are sampled.

use std::time::Duration;

use souk_kit::tasks::{Task, real_time};
use souk_values::Timestamp;

use crate::{app::App, cart::CartCommand, metrics, store::StoreError};

/// Carts read from the index in one go.
const EXPIRY_BATCH: u64 = 200;
/// Longest pause between two reads of the index: a cart that is saved meanwhile may be due earlier than all others.
const LONGEST_EXPIRY_PAUSE: Duration = Duration::from_secs(5);
const COUNT_PERIOD: Duration = Duration::from_secs(15);
const PURGE_PERIOD: Duration = Duration::from_secs(3_600);
const ENGINE_PERIOD: Duration = Duration::from_secs(15);

pub(crate) fn table(app: &App) -> Vec<Task> {
    vec![
        Task::when_due("expire_items", &app.clock, LONGEST_EXPIRY_PAUSE, app, expire_items),
        Task::every("count_active_carts", &app.clock, COUNT_PERIOD, app, |app| async move {
            metrics::active_carts(app.store.count_active_carts().await?);
            Ok::<_, StoreError>(())
        }),
        Task::every("purge_inbox", &app.clock, PURGE_PERIOD, app, |app| async move {
            app.store.purge_inbox(app.clock.now()).await
        }),
        Task::every("purge_orders", &app.clock, PURGE_PERIOD, app, |app| async move {
            let purged = app.store.purge_orders(app.clock.now()).await?;
            tracing::debug!(purged, "the progress of old orders was deleted");
            Ok::<_, StoreError>(())
        }),
        Task::every("read_engine_stats", &real_time(), ENGINE_PERIOD, app, |app| async move {
            metrics::engine(app.store.ping(app.clock.now()).await?);
            Ok::<_, StoreError>(())
        }),
    ]
}

/// Expires items and sends reminders in all carts that are due. Any number of replicas may do this at the same time:
/// a cart is saved under its version, so each expiry and reminder is published once.
///
/// Returns when the next cart is due; `None` when that is not known.
async fn expire_items(app: App) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let due = app.store.due_carts(app.clock.now(), EXPIRY_BATCH).await?;
        if due.users.is_empty() {
            return Ok(due.next);
        }
        let mut has_progress = false;
        for user in due.users {
            match app.execute(user, CartCommand::Expire, None).await {
                Ok(executed) => has_progress |= executed.is_applied,
                // One damaged cart must not keep the others from expiring.
                Err(error) => tracing::warn!(user.id = %user, error = %error, "items of a cart could not be expired"),
            }
        }
        // Every due cart is damaged, or another replica was faster: reading the index again now would spin.
        if !has_progress {
            return Ok(None);
        }
    }
}
