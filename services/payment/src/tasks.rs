//! Background work: settling what is open, and purging the inbox.

use std::time::Duration;

use souk_kit::tasks::Task;

use crate::{app::App, settling};

const PURGE_PERIOD: Duration = Duration::from_secs(3_600);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let settle_period = Duration::from_millis(app.config.settle_every_ms);
    vec![
        Task::every("settle", &app.clock, settle_period, app, settling::settle),
        // Not kit's task of that name: on SQL Server the inbox is not reached through a `Db`.
        Task::every("purge_inbox", &app.clock, PURGE_PERIOD, app, |app: App| async move {
            let purged = app.store.purge_inbox(app.clock.now()).await?;
            tracing::debug!(purged, "expired inbox events were deleted");
            Ok::<_, crate::store::StoreError>(())
        }),
    ]
}
