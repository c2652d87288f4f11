//! Updates the directory of instances from the registry.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use super::{
    address, metrics,
    replica::{self, Key},
};
use crate::call::Directory;

/// The directory's view of the registry.
#[derive(Debug)]
pub struct Listing {
    directory: Directory,
    fixed: HashSet<String>,
    /// Time for which an instance that is missing in the registry is kept.
    grace: Duration,
    /// Services that the directory has from the registry.
    listed: BTreeMap<String, Bases>,
    /// Services with a series of their own, bounded because clients of the registry choose the names.
    measured: BTreeSet<String>,
}

/// Upper bound of services with a series of their own.
const MAX_MEASURED: usize = 100;

/// Base URLs of a service.
type Bases = BTreeMap<String, Base>;

#[derive(Debug)]
struct Base {
    /// Instance that registered it last.
    instance: Key,
    /// Time at which it was first missing in the registry.
    missing_since: Option<Timestamp>,
}

/// A fetched registry, indexed.
struct Fetched<'k> {
    instances: BTreeSet<Key>,
    /// Base URLs of all services.
    bases: BTreeSet<String>,
    deleted: &'k BTreeSet<Key>,
}

impl Fetched<'_> {
    /// True when the registry rules out that `base` is still at `address`: it was deregistered, its instance moved or is
    /// not up, or another one is there now.
    fn rules_out(&self, address: &str, base: &Base) -> bool {
        let is_reported = self.instances.contains(&base.instance) || self.deleted.contains(&base.instance);
        is_reported || self.bases.contains(address)
    }
}

impl Listing {
    /// Returns a listing that updates all services of `directory` but those in `fixed`.
    pub fn new(directory: Directory, fixed: HashSet<String>, grace: Duration) -> Self {
        Self { directory, fixed, grace, listed: BTreeMap::new(), measured: BTreeSet::new() }
    }

    /// Updates the directory to `instances`, the whole registry as of `now`, and `deleted`, reported as deregistered.
    ///
    /// A new instance is called immediately. One that is merely missing is kept for one lease: a registry that restarted
    /// learns of each instance only when it renews, and an instance that is truly gone is skipped as soon as a call cannot
    /// reach it. One that was deregistered, moved or is not up is removed immediately.
    pub fn update<'i>(
        &mut self,
        instances: impl Iterator<Item = &'i InstanceInfo> + Clone,
        deleted: &BTreeSet<Key>,
        now: Timestamp,
    ) {
        let fetched = Fetched {
            instances: instances.clone().map(replica::key).collect(),
            bases: instances.clone().filter_map(address::base).collect(),
            deleted,
        };
        let mut found = by_service(instances);
        found.retain(|service, _| !self.fixed.contains(service));
        let services: BTreeSet<String> = self.listed.keys().chain(found.keys()).cloned().collect();
        for service in services {
            let registered = found.remove(&service);
            self.update_service(service, registered, &fetched, now);
        }
    }

    fn update_service(
        &mut self,
        service: String,
        registered: Option<BTreeMap<String, Key>>,
        fetched: &Fetched<'_>,
        now: Timestamp,
    ) {
        let previous = self.listed.remove(&service);
        let is_new = previous.is_none();
        let previous = previous.unwrap_or_default();
        let previous_addresses: BTreeSet<String> = previous.keys().cloned().collect();
        let is_known = registered.is_some();
        let mut bases = registered
            .unwrap_or_default()
            .into_iter()
            .map(|(address, instance)| (address, Base { instance, missing_since: None }))
            .collect::<Bases>();
        for (address, mut base) in previous {
            if bases.contains_key(&address) || fetched.rules_out(&address, &base) {
                continue;
            }
            let since = *base.missing_since.get_or_insert_with(|| {
                tracing::info!(
                    target_service = service,
                    base = address,
                    "an instance is missing in the registry and kept for one lease"
                );
                now
            });
            if now.since(since) < self.grace {
                bases.insert(address, base);
            } else {
                tracing::warn!(
                    target_service = service,
                    base = address,
                    "an instance is removed: it has not registered again"
                );
            }
        }
        let is_same = !is_new && bases.keys().eq(&previous_addresses);
        if bases.is_empty() && !is_known {
            self.directory.remove(&service);
            self.measure(&service, 0);
            return;
        }
        if !is_same {
            tracing::info!(target_service = service, instances = bases.len(), "the instances of a service changed");
            self.directory.set(&service, bases.keys().cloned());
            self.measure(&service, bases.len());
        }
        self.listed.insert(service, bases);
    }

    fn measure(&mut self, service: &str, count: usize) {
        if self.measured.len() < MAX_MEASURED && !self.measured.contains(service) {
            self.measured.insert(service.to_owned());
        }
        if self.measured.contains(service) {
            metrics::known(service, count);
        }
    }
}

/// Returns the base URLs of each service, by its name in lower case, with the instance behind each.
pub fn by_service<'i>(instances: impl Iterator<Item = &'i InstanceInfo>) -> BTreeMap<String, BTreeMap<String, Key>> {
    let mut found: BTreeMap<String, BTreeMap<String, Key>> = BTreeMap::new();
    for instance in instances {
        let names = instance.vip_address.as_deref().unwrap_or_default().split(',');
        for name in names.map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()) {
            let bases = found.entry(name).or_default();
            bases.extend(address::base(instance).map(|base| (base, replica::key(instance))));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn instance(vip: &str, id: &str, port: u16, status: &str) -> InstanceInfo {
        let port = json!({"$": port, "@enabled": "true"});
        let fields = json!({
            "app": "order", "instanceId": id, "hostName": "h", "vipAddress": vip, "ipAddr": "10.0.0.5", "port": port,
            "status": status,
        });
        InstanceInfo::from_json(&fields, 0).unwrap()
    }

    /// Replica of order whose number is also its port.
    fn order(number: u16, status: &str) -> InstanceInfo {
        instance("order", &format!("o{number}"), number, status)
    }

    struct Rig {
        listing: Listing,
        directory: Directory,
    }

    impl Rig {
        fn new(fixed: &[&str]) -> Self {
            let directory = Directory::default();
            let fixed = fixed.iter().map(|name| (*name).to_owned()).collect();
            Self { listing: Listing::new(directory.clone(), fixed, LEASE), directory }
        }

        fn whole(&mut self, seconds: u64, instances: &[InstanceInfo]) {
            self.deleting(seconds, instances, &[]);
        }

        fn deleting(&mut self, seconds: u64, instances: &[InstanceInfo], deleted: &[&InstanceInfo]) {
            let deleted = deleted.iter().map(|instance| replica::key(instance)).collect();
            let at = Timestamp::EPOCH.plus(Duration::from_secs(seconds));
            self.listing.update(instances.iter(), &deleted, at);
        }

        /// Ports of the instances of order that are called.
        fn ports(&self) -> BTreeSet<u16> {
            let held: Vec<_> = (0..60).filter_map(|_| self.directory.choose("order").ok()).collect();
            held.iter().map(|chosen| chosen.base().rsplit(':').next().unwrap().parse().unwrap()).collect()
        }
    }

    fn ports<const N: usize>(ports: [u16; N]) -> BTreeSet<u16> {
        BTreeSet::from(ports)
    }

    #[test]
    fn names_are_matched_in_any_case_and_one_instance_may_have_several() {
        let mut rig = Rig::new(&["cart"]);
        let directory = rig.directory.clone();
        directory.set("cart", ["http://static".to_owned()]);
        rig.whole(0, &[instance("ORDER, Order-v2", "o", 80, "UP"), instance("cart", "c", 81, "UP")]);
        let base = |service: &str| directory.choose(service).unwrap().base().to_owned();
        assert_eq!(base("order"), "http://10.0.0.5:80");
        assert_eq!(base("order-v2"), "http://10.0.0.5:80");
        assert_eq!(base("cart"), "http://static", "fixed");
    }

    #[test]
    fn an_instance_that_deregistered_moved_or_is_not_up_is_removed_immediately() {
        let mut rig = Rig::new(&[]);
        rig.whole(0, &[order(1, "UP"), order(2, "UP"), order(3, "UP"), order(4, "UP")]);
        let moved = instance("order", "o2", 22, "UP");
        rig.deleting(1, &[moved, order(3, "OUT_OF_SERVICE"), order(4, "UP")], &[&order(1, "UP")]);
        assert_eq!(rig.ports(), ports([4, 22]));
        // Another instance has its address now.
        rig.whole(2, &[instance("cart", "c", 4, "UP"), order(3, "STARTING")]);
        assert_eq!(rig.ports(), ports([22]), "this one is merely missing");
        rig.deleting(3, &[order(3, "DOWN")], &[&order(2, "UP")]);
        assert_eq!(rig.ports(), ports([]), "deregistered while it was missing");
        assert!(rig.directory.services().contains(&"order".to_owned()));
        rig.deleting(4, &[], &[&order(3, "UP")]);
        assert!(!rig.directory.services().contains(&"order".to_owned()));
    }

    #[test]
    fn replicas_come_back_one_by_one_after_a_restart_of_the_registry() {
        let all = [order(1, "UP"), order(2, "UP"), order(3, "UP")];
        let mut rig = Rig::new(&[]);
        rig.whole(0, &all);
        rig.whole(10, &[]);
        assert_eq!(rig.ports(), ports([1, 2, 3]));
        rig.whole(20, &[order(1, "STARTING")]);
        assert_eq!(rig.ports(), ports([2, 3]), "the first one back is not up");
        rig.whole(30, &[order(1, "UP"), order(2, "UP"), order(4, "UP")]);
        assert_eq!(rig.ports(), ports([1, 2, 3, 4]), "a new one is there immediately");
        rig.whole(99, &all[..2]);
        assert_eq!(rig.ports(), ports([1, 2, 3, 4]));
        rig.whole(100, &all[..2]);
        assert_eq!(rig.ports(), ports([1, 2, 4]), "the third is removed after its lease");
    }

    #[test]
    fn a_service_that_is_missing_stays_for_one_lease() {
        let mut rig = Rig::new(&[]);
        rig.whole(0, &[order(80, "UP")]);
        rig.whole(10, &[]);
        rig.whole(99, &[]);
        assert_eq!(rig.ports(), ports([80]), "the lease counts from when it was missed first");
        rig.whole(99, &[order(80, "UP")]);
        rig.whole(110, &[]);
        rig.whole(199, &[]);
        assert_eq!(rig.ports(), ports([80]), "it was back, so the lease starts again");
        rig.whole(200, &[]);
        assert_eq!(rig.ports(), ports([]));
        assert!(rig.directory.services().is_empty());
    }
}
