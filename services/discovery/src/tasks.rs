//! Background work: replication, eviction, the renewal threshold, expiry of changes, gauges.

use std::{convert::Infallible, sync::Arc, time::Duration};

use souk_kit::tasks::{Task, real_time};
use souk_values::clock;
use tokio_util::sync::CancellationToken;

use crate::{app::App, metrics, registry::Registry, replication};

const EXPIRE_CHANGES_PERIOD: Duration = Duration::from_secs(30);
const GAUGES_PERIOD: Duration = Duration::from_secs(5);

pub(crate) fn table(app: &App) -> Vec<Task> {
    let threshold_period = Duration::from_millis(app.config.renewal_threshold_update_interval_ms.get());
    let evicting = app.clone();
    let syncing = app.registry.clone();
    let mut tasks = vec![
        Task::new("sync_from_peer", |stop| replication::sync(syncing, stop)),
        Task::new("evict_expired", |stop| evict(evicting, stop)),
        Task::every("update_renewal_threshold", &app.clock, threshold_period, app, |app| async move {
            app.registry.with(Registry::update_renewal_threshold);
            Ok::<_, Infallible>(())
        }),
        Task::every("expire_changes", &app.clock, EXPIRE_CHANGES_PERIOD, app, |app| async move {
            let now = app.clock.now();
            app.registry.with(|registry| registry.expire_changes(now));
            Ok::<_, Infallible>(())
        }),
        Task::every("set_gauges", &real_time(), GAUGES_PERIOD, app, |app| async move {
            set_gauges(&app);
            Ok::<_, Infallible>(())
        }),
    ];
    tasks.extend(app.registry.peers().iter().map(|peer| {
        let registry = app.registry.clone();
        let peer = Arc::clone(peer);
        Task::new("replicate_to_peer", |stop| replication::send(registry, peer, stop))
    }));
    tasks
}

/// Runs an eviction pass at each interval until `stop`.
async fn evict(app: App, stop: CancellationToken) {
    let interval = Duration::from_millis(app.config.eviction_interval_timer_in_ms.get());
    let mut previous = app.clock.now();
    loop {
        tokio::select! { () = clock::sleep(&*app.clock, interval) => {}, () = stop.cancelled() => return }
        let now = app.clock.now();
        // While this machine was suspended or overloaded it received no heartbeats either.
        let late = now.since(previous).saturating_sub(interval);
        previous = now;
        let evicted = app.registry.with(|registry| registry.evict(now, late, |count| random_below(&app, count)));
        for (app, id) in &evicted {
            tracing::warn!(app, instance = id, "an instance was evicted because its lease has expired");
        }
        if !evicted.is_empty() {
            metrics::count_evictions(evicted.len());
        }
    }
}

fn set_gauges(app: &App) {
    let now = app.clock.now();
    let (counts, stats) = app.registry.with(|registry| (registry.counts(), registry.renewal_stats(now)));
    metrics::set_registry(&counts, stats);
    for peer in app.registry.peers().summaries() {
        metrics::set_queued(&peer.url, peer.queued);
    }
}

/// Returns a random number from 0 to `count - 1`.
fn random_below(app: &App, count: usize) -> usize {
    // The injected source of randomness draws durations; here one second stands for one instance.
    let range = Duration::from_secs(u64::try_from(count).unwrap_or(u64::MAX));
    usize::try_from(app.ids.jitter(range).as_secs()).unwrap_or(0)
}
