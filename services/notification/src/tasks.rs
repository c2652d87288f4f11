//! Background work: sending mails, deleting what has expired, ending streams at stop.

use std::{sync::Arc, time::Duration};

use souk_kit::{Service as _, retention::Retention, tasks::Task};

use crate::{Notification, app::App};

const PURGE_PERIOD: Duration = Duration::from_secs(3_600);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let sender = Arc::clone(&app.sender);
    let streams = app.stopping.clone();
    let retention = Retention::new(Notification::NAME, app.store.db(), &app.clock);
    vec![
        Task::new("send_mails", |stop| async move { sender.run(stop).await }),
        retention.job("purge_unaddressed_mails", PURGE_PERIOD, app, |app, now| async move {
            let given_up = app.store.give_up_unaddressed(now).await?;
            tracing::debug!(given_up, "mails that waited for an address in vain were given up");
            app.store.purge_unaddressed(now).await
        }),
        retention.purge_inbox(),
        // Graceful shutdown waits for open requests, and a stream would stay open for its whole lifetime.
        Task::new("end_streams", |stop| async move {
            stop.cancelled().await;
            streams.cancel();
        }),
    ]
}
