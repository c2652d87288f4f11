//! Counts orders that are stuck.

use std::time::Duration;

use souk_values::clock;
use tokio_util::sync::CancellationToken;

use crate::{App, metrics};

/// How often stuck orders are counted.
const COUNT: Duration = Duration::from_secs(30);
/// An order that waits for its stock longer than this is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(300);

/// Counts until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    loop {
        let now = app.clock.now();
        match app.store.stuck(now.minus(STUCK_AFTER)).await {
            Ok(stuck) => metrics::stuck(stuck),
            Err(error) => tracing::warn!(error = %error, "stuck orders are counted later"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock::sleep_until(&*app.clock, now.plus(COUNT)) => {}
        }
    }
}
