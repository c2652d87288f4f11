//! Background work: sending mails, deleting what has expired, ending streams at stop.

use std::{io, sync::Arc, time::Duration};

use souk_kit::{
    Service as _,
    retention::{self, Retention},
    tasks::Task,
};
use souk_values::DAY;

use crate::{Notification, app::App};

const PURGE_PERIOD: Duration = Duration::from_secs(3_600);
const PURGE_MAILBOX: &str = "purge_mailbox";

pub(crate) fn table(app: &App) -> Vec<Task> {
    let sender = Arc::clone(&app.sender);
    let streams = app.stopping.clone();
    let retention = Retention::new(Notification::NAME, app.store.db(), &app.clock);
    retention::start(Notification::NAME, PURGE_MAILBOX);
    vec![
        Task::new("send_mails", |stop| async move { sender.run(stop).await }),
        retention.job("purge_unaddressed_mails", PURGE_PERIOD, app, |app, now| async move {
            let given_up = app.store.give_up_unaddressed(now).await?;
            tracing::debug!(given_up, "mails that waited for an address in vain were given up");
            app.store.purge_unaddressed(now).await
        }),
        retention.job("purge_notices", PURGE_PERIOD, app, |app, now| async move {
            app.store.purge_notices(now.minus(app.notices_kept_for)).await
        }),
        retention.job("purge_latest_news", DAY, app, |app, now| async move {
            app.store.purge_versions(now.minus(app.notices_kept_for)).await
        }),
        retention.job("purge_mails", PURGE_PERIOD, app, |app, now| async move {
            app.store.purge_mails(now.minus(app.mails_kept_for)).await
        }),
        // In each replica: the folder is on its own disk.
        Task::every(PURGE_MAILBOX, &app.clock, PURGE_PERIOD, app, purge_mailbox),
        retention.purge_inbox(),
        // Graceful shutdown waits for open requests, and a stream would stay open for its whole lifetime.
        Task::new("end_streams", |stop| async move {
            stop.cancelled().await;
            streams.cancel();
        }),
    ]
}

async fn purge_mailbox(app: App) -> io::Result<()> {
    let now = app.clock.now();
    let deleted = app.mailbox.purge(now.minus(app.mails_kept_for)).await?;
    retention::record(Notification::NAME, PURGE_MAILBOX, deleted, now);
    Ok(())
}
