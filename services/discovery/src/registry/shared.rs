//! The registry as all requests share it.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::Registry;

/// One registry behind one lock.
///
/// The lock is held for map look-ups, and for copying a pointer per instance when everything is read (below a
/// millisecond for 10,000). Nothing is written out, compressed, sent or waited for under it, so a heartbeat waits for
/// nobody's body. Under it a sender's queue may be locked, never the other way round.
#[derive(Debug)]
pub struct Shared {
    registry: Mutex<Registry>,
    revision: AtomicU64,
}

impl Shared {
    /// Shares `registry`.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self { revision: AtomicU64::new(registry.revision()), registry: Mutex::new(registry) }
    }

    /// Does `act` while nobody else does anything.
    pub fn with<T>(&self, act: impl FnOnce(&mut Registry) -> T) -> T {
        // Every act leaves a registry that can be used, even if it panics between two of its steps.
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let done = act(&mut registry);
        self.revision.store(registry.revision(), Ordering::Release);
        done
    }

    /// [`Registry::revision`], without the lock.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }
}
