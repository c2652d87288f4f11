//! Background work: expiring items, jobs that delete what is kept for a limited time, and metrics that are sampled.

use std::time::Duration;

use souk_kit::{
    Service as _,
    retention::{self, PURGE_INBOX, PURGE_INBOX_PERIOD},
    tasks::{Task, real_time},
};
use souk_values::{DAY, Timestamp};

use crate::{Cart, app::App, cart::CartCommand, metrics, store::StoreError};

/// Carts read from the index in one go.
const EXPIRY_BATCH: u64 = 200;
/// Longest pause between two reads of the index: a cart that is saved meanwhile may be due earlier than all others.
const LONGEST_EXPIRY_PAUSE: Duration = Duration::from_secs(5);
const COUNT_PERIOD: Duration = Duration::from_secs(15);
const ORDERS_PERIOD: Duration = DAY;
const ENGINE_PERIOD: Duration = Duration::from_secs(15);

pub(crate) fn table(app: &App) -> Vec<Task> {
    vec![
        Task::when_due("expire_items", &app.clock, LONGEST_EXPIRY_PAUSE, app, expire_items),
        Task::every("count_active_carts", &app.clock, COUNT_PERIOD, app, |app| async move {
            metrics::active_carts(app.store.count_active_carts().await?);
            Ok::<_, StoreError>(())
        }),
        deletion(app, PURGE_INBOX, PURGE_INBOX_PERIOD, |app, now| async move { app.store.purge_inbox(now).await }),
        deletion(app, "purge_orders", ORDERS_PERIOD, |app, now| async move { app.store.purge_orders(now).await }),
        Task::every("read_engine_stats", &real_time(), ENGINE_PERIOD, app, |app| async move {
            metrics::engine(app.store.ping(app.clock.now()).await?);
            Ok::<_, StoreError>(())
        }),
    ]
}

/// Returns the task of a job that deletes, and returns the number of what it deleted. Not kit's: Redis has no `Db`.
fn deletion<F>(app: &App, job: &'static str, period: Duration, delete: fn(App, Timestamp) -> F) -> Task
where
    F: Future<Output = Result<u64, StoreError>> + Send + 'static,
{
    retention::start(Cart::NAME, job);
    Task::every(job, &app.clock, period, app, move |app| async move {
        let now = app.clock.now();
        if app.store.claim_job(job, now, period).await? {
            retention::record(Cart::NAME, job, delete(app, now).await?, now);
        }
        Ok::<_, StoreError>(())
    })
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
