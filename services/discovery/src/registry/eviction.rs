//! Removes instances that were not heard of for too long.

use std::time::Duration;

use souk_values::Timestamp;

use super::{Registry, renewals};

/// A registry of fewer instances is a small one.
///
/// In it one instance that died is a large share of all, and would be taken for a broken network forever. So heartbeats
/// are expected only of those that were heard of lately; that nobody is heard of is still the network's fault.
const SMALL: usize = 10;

impl Registry {
    /// One pass: removes what has expired, but no more than leaves a share of the registry standing; chosen by
    /// `pick`, which answers a number below its argument, so that no application is hit first. Other servers are not
    /// told: each judges for itself. `late` is how late the pass is. Answers who went: application and id.
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
        let (is_small, alive) = (self.size < SMALL, self.size - expired.len());
        if is_small {
            self.renewals.expect(alive);
        }
        if !self.health(now).evicts {
            return Vec::new();
        }
        let most = self.size - renewals::share(self.size, self.rules.renewal_share).min(self.size);
        let gone: Vec<_> = (0..expired.len().min(most))
            .map(|_| expired.swap_remove(pick(expired.len()).min(expired.len() - 1)))
            .collect();
        for (app, id) in &gone {
            self.remove(app, id, now, Some(now));
        }
        if is_small {
            // Those that went were not expected.
            self.renewals.expect(alive);
        }
        gone
    }
}
