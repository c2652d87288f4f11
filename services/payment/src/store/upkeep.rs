//! What a store wants done beside the requests: old events forgotten.

use std::{sync::Arc, time::Duration};

use souk_values::{Clock, clock};
use tokio_util::sync::CancellationToken;

use super::PaymentStore;

/// How often old events are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Forgets old events of the inbox each hour, until `stop`.
pub(crate) async fn keep_short(store: Arc<dyn PaymentStore>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = clock::sleep(&*clock, FORGET_EVERY) => {}
            () = stop.cancelled() => return,
        }
        match store.forget_old(clock.now()).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old events were forgotten"),
            Err(error) => tracing::warn!(error = %error, "old events are forgotten later"),
        }
    }
}
