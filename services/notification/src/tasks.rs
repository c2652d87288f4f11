//! Background work: sending mails, deleting what has expired, ending streams at stop.

use std::{sync::Arc, time::Duration};

use souk_kit::tasks::{Task, purge_inbox};
use souk_sql::SqlError;

use crate::app::App;

const PURGE_PERIOD: Duration = Duration::from_secs(3_600);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let sender = Arc::clone(&app.sender);
    let streams = app.stopping.clone();
    vec![
        Task::new("send_mails", |stop| async move { sender.run(stop).await }),
        Task::every("purge_unaddressed_mails", &app.clock, PURGE_PERIOD, app, |app| async move {
            let purged = app.store.purge_unaddressed(app.clock.now()).await?;
            let given_up = app.store.give_up_unaddressed(app.clock.now()).await?;
            tracing::debug!(purged, given_up, "mails that waited for an address in vain were deleted or given up");
            Ok::<_, SqlError>(())
        }),
        purge_inbox(app.store.db(), &app.clock),
        // Graceful shutdown waits for open requests, and a stream would stay open for its whole lifetime.
        Task::new("end_streams", |stop| async move {
            stop.cancelled().await;
            streams.cancel();
        }),
    ]
}
