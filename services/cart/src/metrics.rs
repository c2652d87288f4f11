//! Every metric of this service.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{
    cart::{Effects, Terms},
    store::Pulse,
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

/// Describes the series and lets the counters start at 0, so that a rate is known from the first event on.
pub fn begin() {
    describe_counter!(ADDED, "Times that something was put into a cart");
    describe_counter!(STARTED, "Carts without active items that got one");
    describe_counter!(EXPIRED, "Items whose time ran out");
    describe_counter!(ABANDONED, "Reminders of carts about to lose an item");
    describe_gauge!(ACTIVE, "Carts that have active items");
    describe_histogram!(TTL, "Time to live that items were given, seconds");
    for name in [ADDED, STARTED, EXPIRED, ABANDONED] {
        counter!(name, "service" => "cart").increment(0);
    }
    gauge!(ACTIVE, "service" => "cart").set(0.0);
}

/// Counts what came of an act that was stored.
pub fn count(effects: &Effects, terms: &Terms) {
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
    (0..effects.made_active).for_each(|_| ttl().record(terms.active.as_secs_f64()));
    (0..effects.made_ordered).for_each(|_| ttl().record(terms.ordered.as_secs_f64()));
}

/// How many carts have active items now.
pub fn active_carts(count: u64) {
    gauge!(ACTIVE, "service" => "cart").set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// Shows what the engine says of itself. What only Redis counts is missing on another.
pub fn pulse(pulse: Pulse) {
    let Pulse { connections, keyspace } = pulse;
    for (state, count) in [("used", connections.used), ("idle", connections.idle)] {
        gauge!(CONNECTIONS, "service" => "cart", "state" => state).set(f64::from(count));
    }
    if let Some(keyspace) = keyspace {
        describe_counter!(HITS, "Keys that Redis was asked for and had, since it started");
        describe_counter!(MISSES, "Keys that Redis was asked for and did not have, since it started");
        counter!(HITS, "service" => "cart").absolute(keyspace.hits);
        counter!(MISSES, "service" => "cart").absolute(keyspace.misses);
    }
}
