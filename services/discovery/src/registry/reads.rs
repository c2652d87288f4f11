//! What readers are given. A reading takes shared pointers under the lock; whatever costs time is done after.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use souk_eureka::{Application, Applications, InstanceInfo, InstanceStatus, hash_of_counts};
use souk_values::Timestamp;

use super::{Entry, Health, Lease, Registry};
use crate::overview::{InstanceLine, Passage};

/// Some or all of a registry at one instant.
#[derive(Debug)]
pub struct Shot {
    version: u64,
    counts: BTreeMap<InstanceStatus, usize>,
    instances: Vec<(Arc<InstanceInfo>, Option<Lease>)>,
}

impl Shot {
    /// As the protocol shows it.
    #[must_use]
    pub fn applications(&self) -> Applications {
        let mut applications: BTreeMap<&str, Vec<InstanceInfo>> = BTreeMap::new();
        for (info, lease) in &self.instances {
            let shown = lease.map_or_else(|| (**info).clone(), |lease| lease.shown_in(info));
            applications.entry(info.app.as_str()).or_default().push(shown);
        }
        let applications = applications.into_iter();
        Applications {
            version: self.version,
            hash_code: hash_of_counts(&self.counts),
            applications: applications
                .map(|(name, instances)| Application { name: name.to_owned(), instances })
                .collect(),
        }
    }
}

impl Registry {
    /// Every instance.
    #[must_use]
    pub fn all(&self) -> Shot {
        self.shot(|_| true)
    }

    /// What changed lately, with the hash of everything.
    #[must_use]
    pub fn delta(&self) -> Shot {
        let instances = self.changes.list().into_iter().map(|info| (info, None)).collect();
        let counts = count(self.entries().map(|entry| entry.info.status));
        Shot { version: self.changes.version(), counts, instances }
    }

    /// The instances that are members of this virtual address.
    #[must_use]
    pub fn at_vip(&self, vip: &str) -> Shot {
        self.shot(|info| lists(info.vip_address.as_deref(), vip))
    }

    /// The same over TLS.
    #[must_use]
    pub fn at_secure_vip(&self, vip: &str) -> Shot {
        self.shot(|info| lists(info.secure_vip_address.as_deref(), vip))
    }

    /// The instances of an application, if it has any.
    #[must_use]
    pub fn application(&self, app: &str) -> Option<Application> {
        let instances = self.apps.get(app)?.values().map(|entry| entry.lease.shown_in(&entry.info)).collect();
        Some(Application { name: app.to_owned(), instances })
    }

    /// One instance, unless it has expired and is only not evicted yet.
    pub fn instance(&mut self, app: &str, id: &str, now: Timestamp) -> Option<InstanceInfo> {
        let evicts = self.health(now).evicts;
        visible(self.entry(app, id)?, evicts, now)
    }

    /// The same by its id alone, whatever its application.
    pub fn instance_anywhere(&mut self, id: &str, now: Timestamp) -> Option<InstanceInfo> {
        let evicts = self.health(now).evicts;
        self.apps.values().filter_map(|entries| entries.get(id)).find_map(|entry| visible(entry, evicts, now))
    }

    /// How the heartbeats stand.
    pub fn health(&mut self, now: Timestamp) -> Health {
        self.renewals.health(&self.rules, now)
    }

    /// How many instances are in each status.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<InstanceStatus, usize> {
        count(self.entries().map(|entry| entry.info.status))
    }

    /// Every instance, for the status page.
    #[must_use]
    pub fn lines(&self) -> Vec<InstanceLine> {
        let line = |Entry { info, lease }: &Entry| InstanceLine {
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
        self.entries().map(line).collect()
    }

    /// Who registered last and who went last, newest first.
    #[must_use]
    pub fn passages(&self) -> (Vec<Passage>, Vec<Passage>) {
        (self.registered.list(), self.cancelled.list())
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.apps.values().flat_map(|entries| entries.values())
    }

    fn shot(&self, is_wanted: impl Fn(&InstanceInfo) -> bool) -> Shot {
        let wanted = self.entries().filter(|entry| is_wanted(&entry.info));
        let instances: Vec<_> = wanted.map(|entry| (Arc::clone(&entry.info), Some(entry.lease))).collect();
        Shot { version: 1, counts: count(instances.iter().map(|(info, _)| info.status)), instances }
    }
}

fn visible(entry: &Entry, evicts: bool, now: Timestamp) -> Option<InstanceInfo> {
    let is_gone = evicts && entry.lease.is_expired(now, Duration::ZERO);
    (!is_gone).then(|| entry.lease.shown_in(&entry.info))
}

fn count(statuses: impl Iterator<Item = InstanceStatus>) -> BTreeMap<InstanceStatus, usize> {
    statuses.fold(BTreeMap::new(), |mut counts, status| {
        *counts.entry(status).or_default() += 1;
        counts
    })
}

/// Whether `vip` is one of a list with commas between.
fn lists(addresses: Option<&str>, vip: &str) -> bool {
    addresses.is_some_and(|addresses| addresses.split(',').any(|address| address.trim() == vip))
}
