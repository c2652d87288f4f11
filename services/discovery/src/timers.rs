//! What happens by itself: eviction, the recount of expected heartbeats, the ageing of the delta, gauges.

use std::time::Duration;

use souk_values::clock;
use tokio_util::sync::CancellationToken;

use crate::{app::App, metrics, registry::Registry};

const SWEEP: Duration = Duration::from_secs(30);
/// Real time: how often gauges are set.
const LOOK: Duration = Duration::from_secs(5);

/// Evicts what has expired, again and again until `stop`.
pub async fn evict(app: App, stop: CancellationToken) {
    let interval = Duration::from_millis(app.config.eviction_interval_timer_in_ms.get());
    let mut before = app.clock.now();
    loop {
        tokio::select! { () = clock::sleep(&*app.clock, interval) => {}, () = stop.cancelled() => return }
        let now = app.clock.now();
        // A machine that slept or was slow has not heard its clients either.
        let late = now.since(before).saturating_sub(interval);
        before = now;
        let evicted = app.registry.with(|registry| registry.evict(now, late, |count| pick(&app, count)));
        for (app, id) in &evicted {
            tracing::warn!(app, instance = id, "an instance was not heard of for too long and is evicted");
        }
        if !evicted.is_empty() {
            metrics::evicted(evicted.len());
        }
    }
}

/// Counts the expected heartbeats anew, again and again until `stop`.
pub async fn recount(app: App, stop: CancellationToken) {
    let interval = Duration::from_millis(app.config.renewal_threshold_update_interval_ms.get());
    loop {
        tokio::select! { () = clock::sleep(&*app.clock, interval) => {}, () = stop.cancelled() => return }
        app.registry.with(Registry::recount);
    }
}

/// Drops old changes from the delta, again and again until `stop`.
pub async fn sweep(app: App, stop: CancellationToken) {
    loop {
        tokio::select! { () = clock::sleep(&*app.clock, SWEEP) => {}, () = stop.cancelled() => return }
        let now = app.clock.now();
        app.registry.with(|registry| registry.sweep(now));
    }
}

/// Shows the gauges until `stop`.
pub async fn look(app: App, stop: CancellationToken) {
    loop {
        let now = app.clock.now();
        let (counts, health) = app.registry.with(|registry| (registry.counts(), registry.health(now)));
        metrics::registry(&counts, health);
        for peer in app.replicas.lines() {
            metrics::queued(&peer.url, peer.queued);
        }
        tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => return }
    }
}

/// A random number below `count`.
fn pick(app: &App, count: usize) -> usize {
    // The one source of randomness gives shares of a time; here a second is an instance.
    let whole = Duration::from_secs(u64::try_from(count).unwrap_or(u64::MAX));
    usize::try_from(app.ids.jitter(whole).as_secs()).unwrap_or(0)
}
