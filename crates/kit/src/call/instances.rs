//! Instances of each service, and the choice between them: of two drawn at random, the one with fewer calls in flight
//! (power of two choices). An unreachable instance is skipped for a while.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::{Mutex, RwLock};
use rand::RngExt;
use tokio::sync::Notify;

/// No instance of a service is known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no instance of {0} is known")]
pub struct NoInstance(pub String);

/// Time for which an unreachable instance is skipped while there are others. Without calls in flight it would be
/// preferred otherwise.
const SKIP_FOR: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Instance {
    base: String,
    in_flight: AtomicUsize,
    /// Time of the last failure to connect, by the monotonic clock: the network's time, not the shop's.
    unreachable_at: Mutex<Option<Instant>>,
}

impl Instance {
    fn new(base: &str) -> Self {
        Self { base: base.to_owned(), in_flight: AtomicUsize::new(0), unreachable_at: Mutex::default() }
    }

    fn is_skipped(&self) -> bool {
        let at = *self.unreachable_at.lock();
        at.is_some_and(|at| at.elapsed() < SKIP_FOR)
    }
}

/// An instance chosen for one call, which counts as in flight until this is dropped.
#[derive(Debug)]
pub struct Chosen(Arc<Instance>);

impl Chosen {
    /// Base URL `http://host:port`, without a trailing slash.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// Records that no connection could be made: for 2 s other instances are chosen, if there are any.
    pub fn mark_unreachable(&self) {
        *self.0.unreachable_at.lock() = Some(Instant::now());
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Instances of each service. Filled from a static table; the discovery client replaces entries at run time.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    known: Arc<RwLock<HashMap<String, Vec<Arc<Instance>>>>>,
    /// Notified when a caller found no reachable instance.
    missing: Arc<Notify>,
}

impl Directory {
    /// Replaces the instances of `service` by `bases`, each `http://host:port`. An instance that stays keeps its calls in
    /// flight.
    pub fn set(&self, service: &str, bases: impl IntoIterator<Item = String>) {
        let mut known = self.known.write();
        let before = known.remove(service).unwrap_or_default();
        let instance = |base: String| {
            let base = base.trim().trim_end_matches('/');
            let stays = before.iter().find(|instance| instance.base == base);
            let new = || Arc::new(Instance::new(base));
            stays.map_or_else(new, Arc::clone)
        };
        known.insert(service.to_owned(), bases.into_iter().map(instance).collect());
    }

    /// Removes `service`. Calls in flight continue.
    pub fn remove(&self, service: &str) {
        self.known.write().remove(service);
    }

    /// Chooses an instance of `service` for one call, a reachable one if there is any.
    pub fn choose(&self, service: &str) -> Result<Chosen, NoInstance> {
        let known = self.known.read();
        let all = known.get(service).map_or(&[][..], Vec::as_slice);
        let mut instances: Vec<_> = all.iter().filter(|instance| !instance.is_skipped()).collect();
        if instances.is_empty() {
            self.missing.notify_one();
            instances = all.iter().collect();
        }
        // Load spreading only: no result depends on this draw, so it needs no injected randomness.
        let draw = || instances.get(rand::rng().random_range(0..instances.len().max(1)));
        let (one, other) = match &*instances {
            [] => return Err(NoInstance(service.to_owned())),
            [only] => (Some(only), Some(only)),
            _ => (draw(), draw()),
        };
        let drawn = one.into_iter().chain(other).copied();
        let chosen = drawn.min_by_key(|instance| instance.in_flight.load(Ordering::Relaxed));
        let chosen = chosen.ok_or_else(|| NoInstance(service.to_owned()))?;
        chosen.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Chosen(Arc::clone(chosen)))
    }

    /// Returns the base URLs of the known instances of `service`.
    #[must_use]
    pub fn bases(&self, service: &str) -> Vec<String> {
        let known = self.known.read();
        known.get(service).into_iter().flatten().map(|instance| instance.base.clone()).collect()
    }

    /// Waits until a caller finds no reachable instance of some service.
    pub(crate) async fn missing_instance(&self) {
        self.missing.notified().await;
    }

    /// True while an instance of `service` is not skipped.
    pub(crate) fn has_reachable(&self, service: &str) -> bool {
        let known = self.known.read();
        known.get(service).is_some_and(|instances| instances.iter().any(|instance| !instance.is_skipped()))
    }

    /// Names of the known services, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let known = self.known.read();
        let mut names: Vec<String> = known.keys().cloned().collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_with_fewer_calls_in_flight_is_preferred() {
        let directory = Directory::default();
        directory.set("order", ["http://a/".to_owned(), "http://b".to_owned()]);
        let held: Vec<Chosen> = (0..40).filter_map(|_| directory.choose("order").ok()).collect();
        let on_a = held.iter().filter(|chosen| chosen.base() == "http://a").count();
        // Blind drawing would leave 15 to 25 two times out of three; power of two keeps within a few.
        assert!((17..=23).contains(&on_a), "{on_a}");
        assert!(directory.choose("cart").is_err());
    }

    #[test]
    fn an_instance_that_stays_keeps_its_calls_in_flight() {
        let directory = Directory::default();
        directory.set("order", ["http://a".to_owned()]);
        let held = directory.choose("order").unwrap();
        directory.set("order", ["http://b".to_owned(), "http://a/".to_owned()]);
        let load = |base: &str| {
            let known = directory.known.read();
            known["order"].iter().find(|one| one.base == base).unwrap().in_flight.load(Ordering::Relaxed)
        };
        assert_eq!((load("http://a"), load("http://b")), (1, 0));
        drop(held);
        assert_eq!(load("http://a"), 0);
        directory.remove("order");
        assert!(directory.choose("order").is_err() && directory.services().is_empty());
    }

    #[test]
    fn an_unreachable_instance_is_skipped_while_there_are_others() {
        let directory = Directory::default();
        directory.set("order", ["http://a".to_owned(), "http://b".to_owned()]);
        let choose = || directory.choose("order").unwrap();
        let mark = |base: &str| std::iter::repeat_with(choose).find(|one| one.base() == base).unwrap();
        mark("http://a").mark_unreachable();
        // An instance that stays keeps its mark.
        directory.set("order", ["http://a".to_owned(), "http://b".to_owned()]);
        let held: Vec<Chosen> = (0..40).map(|_| choose()).collect();
        assert!(held.iter().all(|chosen| chosen.base() == "http://b"));
        assert!(directory.has_reachable("order") && !directory.has_reachable("cart"));
        mark("http://b").mark_unreachable();
        assert!(!directory.has_reachable("order"));
        let held: Vec<Chosen> = (0..40).map(|_| choose()).collect();
        assert!(held.iter().any(|chosen| chosen.base() == "http://a"), "none can be reached, so all are tried");
        let known = directory.known.read();
        for instance in &known["order"] {
            *instance.unreachable_at.lock() = Instant::now().checked_sub(SKIP_FOR);
            assert!(!instance.is_skipped());
        }
    }
}
