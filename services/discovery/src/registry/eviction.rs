//! Eviction of instances whose leases have expired.

use std::time::Duration;

use souk_values::Timestamp;

use super::{InstanceKey, Registry, renewals};

/// Number of instances below which only live ones are expected to renew.
///
/// In a small registry a single dead instance is a large share of all: with the original's rule it would look like a
/// broken network forever, and never be evicted. If no instance at all renews, that still counts as the network.
const SMALL: usize = 10;

impl Registry {
    /// Runs one eviction pass: removes expired instances, but leaves the configured share of the registry standing.
    /// Returns application and id of each that was removed.
    ///
    /// `pick` returns a random number below its argument, so that no application is always hit first. `late` is the
    /// delay of this pass, which is granted to all leases. An eviction is not replicated: each server decides alone.
    pub fn evict(
        &mut self,
        now: Timestamp,
        late: Duration,
        mut pick: impl FnMut(usize) -> usize,
    ) -> Vec<(String, String)> {
        let mut expired: Vec<(String, String)> = self
            .entries()
            .filter(|entry| entry.lease.is_expired(now, late))
            .map(|entry| (entry.info.app.clone(), entry.info.instance_id.clone()))
            .collect();
        let is_small = self.size < SMALL;
        let alive = self.size - expired.len();
        if is_small {
            self.renewals.expect(alive);
        }
        if !self.renewal_stats(now).allows_eviction {
            return Vec::new();
        }
        let limit = self.size - renewals::share(self.size, self.rules.renewal_share).min(self.size);
        let evicted: Vec<_> = (0..expired.len().min(limit))
            .map(|_| expired.swap_remove(pick(expired.len()).min(expired.len() - 1)))
            .collect();
        for (app, id) in &evicted {
            self.remove(InstanceKey { app, id }, now, Some(now));
        }
        if is_small {
            // Each removal lowered the expected number, in which the evicted were not counted.
            self.renewals.expect(alive);
        }
        evicted
    }
}
