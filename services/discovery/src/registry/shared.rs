//! The registry behind a lock, as requests and tasks share it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::Registry;

/// A registry behind one lock.
///
/// The lock is held for map look-ups, and to copy a pointer per instance for a full read (less than a millisecond for
/// 10,000). Nothing is serialized, compressed, sent or awaited under it, so that no heartbeat waits for a reader's
/// body. Lock order: a peer's queue may be locked under it, never the other way round.
#[derive(Debug)]
pub(crate) struct SharedRegistry {
    registry: Mutex<Registry>,
    revision: AtomicU64,
}

impl SharedRegistry {
    pub fn new(registry: Registry) -> Self {
        Self { revision: AtomicU64::new(registry.revision()), registry: Mutex::new(registry) }
    }

    /// Runs `act` on the registry under the lock.
    pub fn with<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        // parking_lot does not poison: a registry stays usable even if an act panics between two of its steps.
        let mut registry = self.registry.lock();
        let result = act(&mut registry);
        self.revision.store(registry.revision(), Ordering::Release);
        result
    }

    /// Returns [`Registry::revision`] without taking the lock.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }
}
