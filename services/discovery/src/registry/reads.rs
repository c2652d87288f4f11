//! Reads of the registry. They copy shared pointers under the lock; everything that costs time is done after it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use souk_eureka::{Application, Applications, InstanceInfo, InstanceStatus, hash_code_of_counts};
use souk_values::Timestamp;

use super::{Entry, InstanceKey, Lease, Registry, RenewalStats};

/// Some or all instances of a registry at one point in time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    version: u64,
    counts: BTreeMap<InstanceStatus, usize>,
    instances: Vec<(Arc<InstanceInfo>, Option<Lease>)>,
}

impl Snapshot {
    /// Groups the instances by application, as the protocol returns them.
    pub fn applications(&self) -> Applications {
        let mut applications: BTreeMap<&str, Vec<InstanceInfo>> = BTreeMap::new();
        for (info, lease) in &self.instances {
            let info_with_lease = lease.map_or_else(|| (**info).clone(), |lease| lease.apply_to(info));
            applications.entry(info.app.as_str()).or_default().push(info_with_lease);
        }
        let applications = applications.into_iter();
        Applications {
            version: self.version,
            hash_code: hash_code_of_counts(&self.counts),
            applications: applications
                .map(|(name, instances)| Application { name: name.to_owned(), instances })
                .collect(),
        }
    }
}

/// One instance on the status page. Nothing in it can be trusted: an instance chooses its own names and links.
#[derive(Debug, Clone)]
pub(crate) struct InstanceSummary {
    /// Name of the application, in upper case.
    pub app: String,
    pub instance_id: String,
    pub host_name: String,
    pub status: InstanceStatus,
    /// Status that an operator has set; `Unknown` if none.
    pub overridden_status: InstanceStatus,
    pub status_page_url: Option<String>,
    pub registered_at: Timestamp,
    pub renewed_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Registry {
    pub fn all(&self) -> Snapshot {
        self.snapshot(|_| true)
    }

    /// Returns the recent changes, with the hash code of the whole registry.
    pub fn delta(&self) -> Snapshot {
        let instances = self.changes.list().into_iter().map(|info| (info, None)).collect();
        Snapshot { version: self.changes.version(), counts: self.counts(), instances }
    }

    /// Returns the instances behind a virtual address.
    pub fn at_vip(&self, vip: &str) -> Snapshot {
        self.snapshot(|info| list_contains(info.vip_address.as_deref(), vip))
    }

    /// Returns the instances behind a virtual address for TLS.
    pub fn at_secure_vip(&self, vip: &str) -> Snapshot {
        self.snapshot(|info| list_contains(info.secure_vip_address.as_deref(), vip))
    }

    /// Returns an application with its instances; `None` if it has none.
    pub fn application(&self, app: &str) -> Option<Application> {
        let instances = self.apps.get(app)?.values().map(|entry| entry.lease.apply_to(&entry.info)).collect();
        Some(Application { name: app.to_owned(), instances })
    }

    /// Returns one instance, unless its lease has expired and only the next eviction pass is missing.
    pub fn instance(&mut self, key: InstanceKey<'_>, now: Timestamp) -> Option<InstanceInfo> {
        let allows_eviction = self.renewal_stats(now).allows_eviction;
        visible(self.entry(key)?, allows_eviction, now)
    }

    /// Returns one instance as [`Self::instance`] does, of any application.
    pub fn instance_anywhere(&mut self, id: &str, now: Timestamp) -> Option<InstanceInfo> {
        let allows_eviction = self.renewal_stats(now).allows_eviction;
        let mut entries = self.apps.values().filter_map(|entries| entries.get(id));
        entries.find_map(|entry| visible(entry, allows_eviction, now))
    }

    pub fn renewal_stats(&mut self, now: Timestamp) -> RenewalStats {
        self.renewals.stats(&self.rules, now)
    }

    pub fn counts(&self) -> BTreeMap<InstanceStatus, usize> {
        count(self.entries().map(|entry| entry.info.status))
    }

    pub fn summaries(&self) -> Vec<InstanceSummary> {
        let summary = |Entry { info, lease }: &Entry| InstanceSummary {
            app: info.app.clone(),
            instance_id: info.instance_id.clone(),
            host_name: info.host_name.clone(),
            status: info.status,
            overridden_status: info.overridden_status,
            status_page_url: info.status_page_url.clone(),
            registered_at: lease.registered_at,
            renewed_at: lease.renewed_at,
            expires_at: lease.expires_at(),
        };
        self.entries().map(summary).collect()
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.apps.values().flat_map(|entries| entries.values())
    }

    fn snapshot(&self, is_included: impl Fn(&InstanceInfo) -> bool) -> Snapshot {
        let included = self.entries().filter(|entry| is_included(&entry.info));
        let instances: Vec<_> = included.map(|entry| (Arc::clone(&entry.info), Some(entry.lease))).collect();
        Snapshot { version: 1, counts: count(instances.iter().map(|(info, _)| info.status)), instances }
    }
}

fn visible(entry: &Entry, allows_eviction: bool, now: Timestamp) -> Option<InstanceInfo> {
    let is_hidden = allows_eviction && entry.lease.is_expired(now, Duration::ZERO);
    (!is_hidden).then(|| entry.lease.apply_to(&entry.info))
}

fn count(statuses: impl Iterator<Item = InstanceStatus>) -> BTreeMap<InstanceStatus, usize> {
    statuses.fold(BTreeMap::new(), |mut counts, status| {
        *counts.entry(status).or_default() += 1;
        counts
    })
}

/// Returns true if `vip` is in a comma-separated list.
fn list_contains(addresses: Option<&str>, vip: &str) -> bool {
    addresses.is_some_and(|addresses| addresses.split(',').any(|address| address.trim() == vip))
}
