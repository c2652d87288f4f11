//! Counts orders that are stuck, and forgets events that nobody delivers again.

use std::time::Duration;

use souk_bus::inbox;
use souk_sql::{Db, SqlError};
use souk_values::{Timestamp, clock};
use tokio_util::sync::CancellationToken;

use crate::{App, metrics};

/// How often stuck orders are counted.
const COUNT: Duration = Duration::from_secs(30);
/// How often old events are forgotten.
const FORGET: Duration = Duration::from_secs(3_600);
/// An order that waits for its stock longer than this is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// Keeps house until `stop`.
pub(crate) async fn run(app: App, db: Db, stop: CancellationToken) {
    let mut forget_at = app.clock.now().plus(FORGET);
    loop {
        let now = app.clock.now();
        if let Err(error) = keep(&app, &db, now, &mut forget_at).await {
            tracing::warn!(error = %error, "the house could not be kept; tried again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock::sleep_until(&*app.clock, now.plus(COUNT)) => {}
        }
    }
}

async fn keep(app: &App, db: &Db, now: Timestamp, forget_at: &mut Timestamp) -> Result<(), SqlError> {
    metrics::stuck(app.store.stuck(now.minus(STUCK_AFTER)).await?);
    if now >= *forget_at {
        let forgotten = inbox::forget_old(db, now).await?;
        tracing::debug!(forgotten, "old events were forgotten");
        *forget_at = now.plus(FORGET);
    }
    Ok(())
}
