//! The order service's background work.

use std::time::Duration;

use souk_kit::{retention::Retention, tasks::Task};
use souk_sql::SqlError;

use crate::{SERVICE, app::App, lapsing, metrics};

/// Longest pause between two checks for orders to expire, although none is known to be due.
const LAPSE_CHECK: Duration = Duration::from_secs(5);
const STUCK_CHECK: Duration = Duration::from_secs(30);
/// Age from which an order that still waits for its stock counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(300);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let waiters = app.waiters.clone();
    // Subscribed now, not when the task starts: signals in between wait in the channel.
    let signals = app.transport.signals();
    let (latest_audit, announcements) = (app.latest_audit.clone(), app.transport.announcements());
    vec![
        Task::new("wake_waiters", move |stop| waiters.run(signals, stop)),
        Task::new("follow_audit", move |stop| latest_audit.follow(announcements, stop)),
        Task::when_due("lapse_unpaid_orders", &app.clock, LAPSE_CHECK, app, lapsing::settle_due),
        Task::every("count_stuck_orders", &app.clock, STUCK_CHECK, app, count_stuck_orders),
        Retention::new(SERVICE, app.store.db(), &app.clock).purge_inbox(),
    ]
}

async fn count_stuck_orders(app: App) -> Result<(), SqlError> {
    let stuck = app.store.count_stuck(app.clock.now().minus(STUCK_AFTER)).await?;
    metrics::stuck_orders(stuck);
    Ok(())
}
