//! Shows what the engine says of itself.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{app::App, metrics};

/// How often. Real time: the pace of looking, not a term of the business.
const LOOK: Duration = Duration::from_secs(15);

/// Looks until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        match app.store.ping(app.clock.now()).await {
            Ok(pulse) => metrics::pulse(pulse),
            Err(error) => tracing::debug!(error = %error, "the engine is asked about itself later"),
        }
        tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => return }
    }
}
