//! Background work: settling what is open, and purging the inbox.

use std::time::Duration;

use souk_kit::{
    Service as _,
    retention::{self, PURGE_INBOX, PURGE_INBOX_PERIOD},
    tasks::Task,
};

use crate::{Payment, app::App, settling, store::StoreError};

pub(crate) fn table(app: &App) -> Vec<Task> {
    let settle_period = Duration::from_millis(app.config.settle_every_ms);
    retention::start(Payment::NAME, PURGE_INBOX);
    vec![
        Task::every("settle", &app.clock, settle_period, app, settling::settle),
        // Not kit's task of that name: on SQL Server the inbox is not reached through a `Db`.
        Task::every(PURGE_INBOX, &app.clock, PURGE_INBOX_PERIOD, app, purge_inbox),
    ]
}

async fn purge_inbox(app: App) -> Result<(), StoreError> {
    let now = app.clock.now();
    if app.store.claim_job(PURGE_INBOX, now, PURGE_INBOX_PERIOD).await? {
        let deleted = app.store.purge_inbox(now).await?;
        retention::record(Payment::NAME, PURGE_INBOX, deleted, now);
    }
    Ok(())
}
