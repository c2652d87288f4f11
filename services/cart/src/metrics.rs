//! Every metric of this service.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use souk_values::gauge_value;

use crate::{
    cart::{Effects, Lifetimes},
    store::EngineStats,
};

const ADDED: &str = "cart_items_added_total";
const STARTED: &str = "carts_started_total";
const EXPIRED: &str = "cart_expirations_total";
const ABANDONED: &str = "cart_abandoned_total";
const ACTIVE: &str = "carts_active";
const TTL: &str = "cart_item_ttl_seconds";
const CONNECTIONS: &str = "db_client_connections";
const HITS: &str = "redis_keyspace_hits_total";
const MISSES: &str = "redis_keyspace_misses_total";

/// Describes the series and starts the counters at zero, so that rates are known from the first event on.
pub(crate) fn describe() {
    describe_counter!(ADDED, "Additions of a product to a cart");
    describe_counter!(STARTED, "Carts without active items that got one");
    describe_counter!(EXPIRED, "Items that expired");
    describe_counter!(ABANDONED, "Reminders of carts about to lose an item");
    describe_gauge!(ACTIVE, "Carts that have active items");
    describe_histogram!(TTL, "Lifetime that items were given, seconds");
    for name in [ADDED, STARTED, EXPIRED, ABANDONED] {
        counter!(name, "service" => "cart").increment(0);
    }
    gauge!(ACTIVE, "service" => "cart").set(0.0);
}

pub(crate) fn count(effects: &Effects, lifetimes: &Lifetimes) {
    let add = |name: &'static str, times: usize| {
        if times > 0 {
            counter!(name, "service" => "cart").increment(u64::try_from(times).unwrap_or(0));
        }
    };
    add(ADDED, usize::from(effects.added));
    add(STARTED, usize::from(effects.started));
    add(EXPIRED, effects.expired.len());
    add(ABANDONED, usize::from(effects.abandoned.is_some()));
    let ttl = || histogram!(TTL, "service" => "cart");
    (0..effects.made_active).for_each(|_| ttl().record(lifetimes.active.as_secs_f64()));
    (0..effects.made_ordered).for_each(|_| ttl().record(lifetimes.ordered.as_secs_f64()));
}

pub(crate) fn active_carts(count: u64) {
    gauge!(ACTIVE, "service" => "cart").set(gauge_value(count));
}

/// Records the engine's own figures. The series of the keyspace exist on Redis only.
pub(crate) fn engine(stats: EngineStats) {
    let EngineStats { connections, keyspace } = stats;
    for (state, count) in [("used", connections.used), ("idle", connections.idle)] {
        gauge!(CONNECTIONS, "service" => "cart", "state" => state).set(f64::from(count));
    }
    if let Some(keyspace) = keyspace {
        describe_counter!(HITS, "Lookups of keys that Redis found, since it started");
        describe_counter!(MISSES, "Lookups of keys that Redis did not find, since it started");
        counter!(HITS, "service" => "cart").absolute(keyspace.hits);
        counter!(MISSES, "service" => "cart").absolute(keyspace.misses);
    }
}
