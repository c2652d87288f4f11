//! Removes instances that were not heard of for too long.

use std::time::Duration;

use souk_values::Timestamp;

use super::{Registry, renewals};

impl Registry {
    /// One pass: removes what has expired, but no more than leaves a share of the registry standing; chosen by
    /// `pick`, which answers a number below its argument, so that no application is hit first. Other servers are not
    /// told: each judges for itself. `late` is how late the pass is. Answers how many went.
    pub fn evict(&mut self, now: Timestamp, late: Duration, mut pick: impl FnMut(usize) -> usize) -> usize {
        if !self.health(now).evicts {
            return 0;
        }
        let mut expired: Vec<(String, String)> = self
            .apps
            .values()
            .flat_map(|entries| entries.values())
            .filter(|entry| entry.lease.is_expired(now, late))
            .map(|entry| (entry.info.app.clone(), entry.info.instance_id.clone()))
            .collect();
        let most = self.size - renewals::share(self.size, self.rules.renewal_share).min(self.size);
        let count = expired.len().min(most);
        for _ in 0..count {
            let chosen = pick(expired.len()).min(expired.len() - 1);
            let (app, id) = expired.swap_remove(chosen);
            tracing::warn!(app, instance = id, "an instance was not heard of for too long and is evicted");
            self.remove(&app, &id, now, Some(now));
        }
        count
    }
}
