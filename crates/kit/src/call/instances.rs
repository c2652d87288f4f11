//! Service names to instances; of two drawn at random, the one with fewer calls in flight. Whoever cannot be reached is
//! passed over for a while.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::RngExt;
use tokio::sync::Notify;

/// No instance of a service is known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no instance of {0} is known")]
pub struct NoInstance(pub String);

/// How long an instance that could not be reached is passed over while there are others. It has no calls in flight, so
/// it would be preferred otherwise.
const PASSED_OVER: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Instance {
    base: String,
    in_flight: AtomicUsize,
    /// When it could not be reached last. By the monotonic clock: this is the network's time, not the shop's.
    unreachable_at: Mutex<Option<Instant>>,
}

impl Instance {
    fn new(base: &str) -> Self {
        Self { base: base.to_owned(), in_flight: AtomicUsize::new(0), unreachable_at: Mutex::default() }
    }

    fn is_passed_over(&self) -> bool {
        let at = *self.unreachable_at.lock().unwrap_or_else(PoisonError::into_inner);
        at.is_some_and(|at| at.elapsed() < PASSED_OVER)
    }
}

/// An instance that was chosen for one call, and counts it until dropped.
#[derive(Debug)]
pub struct Chosen(Arc<Instance>);

impl Chosen {
    /// `http://host:port`, without a slash at the end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0.base
    }

    /// Says that no connection to it could be made: for two seconds others are chosen, if there are any.
    pub fn cannot_be_reached(&self) {
        *self.0.unreachable_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where each service is. Filled from a static table; a registry may replace entries while it runs.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    known: Arc<RwLock<HashMap<String, Vec<Arc<Instance>>>>>,
    /// Told when a service was asked for and nobody could be named who answers for it.
    wanted: Arc<Notify>,
}

impl Directory {
    /// Replaces what is known of `service` by `bases`, each `http://host:port`. Whoever stays keeps its calls in flight.
    pub fn set(&self, service: &str, bases: impl IntoIterator<Item = String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.remove(service).unwrap_or_default();
        let instance = |base: String| {
            let base = base.trim().trim_end_matches('/');
            let stays = before.iter().find(|instance| instance.base == base);
            let new = || Arc::new(Instance::new(base));
            stays.map_or_else(new, Arc::clone)
        };
        known.insert(service.to_owned(), bases.into_iter().map(instance).collect());
    }

    /// Forgets `service`. Calls in flight go on.
    pub fn remove(&self, service: &str) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// One instance of `service` for one call: one that could be reached, unless none could.
    pub fn choose(&self, service: &str) -> Result<Chosen, NoInstance> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let all = known.get(service).map_or(&[][..], Vec::as_slice);
        let mut instances: Vec<_> = all.iter().filter(|instance| !instance.is_passed_over()).collect();
        if instances.is_empty() {
            self.wanted.notify_one();
            instances = all.iter().collect();
        }
        // Which of two is only load spreading: nothing rests on this draw being repeatable.
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

    /// Waits until a service is asked for of which no instance is known, or none that could be reached lately.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether an instance of `service` is left that is not passed over.
    pub(crate) fn has_reachable(&self, service: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(service).is_some_and(|instances| instances.iter().any(|instance| !instance.is_passed_over()))
    }

    /// The services that are known.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
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
    fn who_stays_keeps_its_calls_in_flight() {
        let directory = Directory::default();
        directory.set("order", ["http://a".to_owned()]);
        let held = directory.choose("order").unwrap();
        directory.set("order", ["http://b".to_owned(), "http://a/".to_owned()]);
        let load = |base: &str| {
            let known = directory.known.read().unwrap();
            known["order"].iter().find(|one| one.base == base).unwrap().in_flight.load(Ordering::Relaxed)
        };
        assert_eq!((load("http://a"), load("http://b")), (1, 0));
        drop(held);
        assert_eq!(load("http://a"), 0);
        directory.remove("order");
        assert!(directory.choose("order").is_err() && directory.services().is_empty());
    }

    #[test]
    fn who_cannot_be_reached_is_passed_over_while_others_are_there() {
        let directory = Directory::default();
        directory.set("order", ["http://a".to_owned(), "http://b".to_owned()]);
        let choose = || directory.choose("order").unwrap();
        let mark = |base: &str| std::iter::repeat_with(choose).find(|one| one.base() == base).unwrap();
        mark("http://a").cannot_be_reached();
        // Whoever stays keeps its mark.
        directory.set("order", ["http://a".to_owned(), "http://b".to_owned()]);
        let held: Vec<Chosen> = (0..40).map(|_| choose()).collect();
        assert!(held.iter().all(|chosen| chosen.base() == "http://b"));
        assert!(directory.has_reachable("order") && !directory.has_reachable("cart"));
        mark("http://b").cannot_be_reached();
        assert!(!directory.has_reachable("order"));
        let held: Vec<Chosen> = (0..40).map(|_| choose()).collect();
        assert!(held.iter().any(|chosen| chosen.base() == "http://a"), "none can be reached, so all are tried");
        let known = directory.known.read().unwrap();
        for instance in &known["order"] {
            *instance.unreachable_at.lock().unwrap() = Instant::now().checked_sub(PASSED_OVER);
            assert!(!instance.is_passed_over());
        }
    }
}
