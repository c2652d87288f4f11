//! The auth service's background work.

use std::time::Duration;

use souk_kit::{Service as _, retention::Retention, tasks::Task};
use tokio_util::sync::CancellationToken;

use crate::{
    Auth,
    app::App,
    keyring::{self, TurnError},
    password_resets,
};

/// Pause between two reads of the reset requests when no handler of this replica wakes the task.
const RESET_POLL: Duration = Duration::from_secs(2);
const PURGE_PERIOD: Duration = Duration::from_secs(600);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let resets = app.clone();
    let retention = Retention::new(Auth::NAME, app.store.db(), &app.clock);
    vec![
        Task::new("mail_reset_tokens", |stop| mail_reset_tokens(resets, stop)),
        Task::every("turn_signing_keys", &app.clock, keyring::PERIOD, app, turn_signing_keys),
        retention.job(
            "purge_expired",
            PURGE_PERIOD,
            &app.store,
            |store, now| async move { store.purge_expired(now).await },
        ),
    ]
}

async fn mail_reset_tokens(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = password_resets::process_requests(&app).await {
            tracing::warn!(error = %error, "password reset requests could not be processed; retrying");
        }
        // Real time on purpose: the pace of polling is not business logic.
        tokio::select! {
            () = app.reset_requested.notified() => {}
            () = tokio::time::sleep(RESET_POLL) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn turn_signing_keys(app: App) -> Result<(), TurnError> {
    app.keys.turn(&app.store, app.clock.now()).await
}
