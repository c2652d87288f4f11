//! Service names to instances; of two drawn at random, the one with fewer calls in flight.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use rand::RngExt;

/// No instance of a service is known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no instance of {0} is known")]
pub struct NoInstance(pub String);

#[derive(Debug)]
struct Instance {
    base: String,
    in_flight: AtomicUsize,
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
}

impl Drop for Chosen {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where each service is. Filled from a static table; a registry may replace entries while it runs.
#[derive(Debug, Clone, Default)]
pub struct Directory(Arc<RwLock<HashMap<String, Vec<Arc<Instance>>>>>);

impl Directory {
    /// Replaces what is known of `service` by `bases`, each `http://host:port`. Whoever stays keeps its calls in flight.
    pub fn set(&self, service: &str, bases: impl IntoIterator<Item = String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.remove(service).unwrap_or_default();
        let instance = |base: String| {
            let base = base.trim().trim_end_matches('/');
            let stays = before.iter().find(|instance| instance.base == base);
            let new = || Arc::new(Instance { base: base.to_owned(), in_flight: AtomicUsize::new(0) });
            stays.map_or_else(new, Arc::clone)
        };
        known.insert(service.to_owned(), bases.into_iter().map(instance).collect());
    }

    /// Forgets `service`. Calls in flight go on.
    pub fn remove(&self, service: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// One instance of `service` for one call.
    pub fn choose(&self, service: &str) -> Result<Chosen, NoInstance> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let instances = known.get(service).map_or(&[][..], Vec::as_slice);
        // Which of two is only load spreading: nothing rests on this draw being repeatable.
        let draw = || instances.get(rand::rng().random_range(0..instances.len().max(1)));
        let (one, other) = match instances {
            [] => return Err(NoInstance(service.to_owned())),
            [only] => (Some(only), Some(only)),
            _ => (draw(), draw()),
        };
        let load = |instance: &Arc<Instance>| instance.in_flight.load(Ordering::Relaxed);
        let chosen = one.into_iter().chain(other).min_by_key(|instance| load(instance));
        let chosen = chosen.ok_or_else(|| NoInstance(service.to_owned()))?;
        chosen.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Chosen(Arc::clone(chosen)))
    }

    /// The services that are known.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
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
            let known = directory.0.read().unwrap();
            known["order"].iter().find(|one| one.base == base).unwrap().in_flight.load(Ordering::Relaxed)
        };
        assert_eq!((load("http://a"), load("http://b")), (1, 0));
        drop(held);
        assert_eq!(load("http://a"), 0);
        directory.remove("order");
        assert!(directory.choose("order").is_err() && directory.services().is_empty());
    }
}
