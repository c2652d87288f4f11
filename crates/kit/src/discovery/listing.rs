//! What the registry knows, brought into the directory.

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

/// Keeps a directory like the registry.
#[derive(Debug)]
pub struct Listing {
    directory: Directory,
    fixed: HashSet<String>,
    /// How long what the registry does not know any more stays where it was.
    grace: Duration,
    /// The services that the directory has from the registry.
    listed: BTreeMap<String, Bases>,
    /// The services that have a series of their own; so many and no more, for whoever registers chooses its name.
    measured: BTreeSet<String>,
}

/// How many services have a series of their own.
const MOST_MEASURED: usize = 100;

/// Where a service takes calls.
type Bases = BTreeMap<String, Base>;

#[derive(Debug)]
struct Base {
    /// Who told it last.
    instance: Key,
    /// Since when nobody tells it any more.
    missing_since: Option<Timestamp>,
}

/// What the registry knows of its instances beside where they take calls.
struct Known<'k> {
    instances: BTreeSet<Key>,
    /// Where any of them takes calls, whatever it serves.
    bases: BTreeSet<String>,
    deleted: &'k BTreeSet<Key>,
}

impl Known<'_> {
    /// Whether the registry says that nothing is at `address` any more that was there as `base`: it was taken out, its
    /// instance is elsewhere or takes no calls, or another one is there now.
    fn denies(&self, address: &str, base: &Base) -> bool {
        let is_told = self.instances.contains(&base.instance) || self.deleted.contains(&base.instance);
        is_told || self.bases.contains(address)
    }
}

impl Listing {
    /// Fills `directory`, but for the services in `fixed`.
    pub fn new(directory: Directory, fixed: HashSet<String>, grace: Duration) -> Self {
        Self { directory, fixed, grace, listed: BTreeMap::new(), measured: BTreeSet::new() }
    }

    /// Brings the directory to what `instances`, the whole registry, say at `now`. Of `deleted` the registry told that
    /// they were taken out.
    ///
    /// Who is new is called at once. Who is just not there any more stays where it was for one lease: a registry that was
    /// started anew knows of each instance only when that has renewed, and whoever is truly gone is passed over as soon
    /// as a call cannot reach it. Who was taken out, moved, or says that it takes no calls goes at once.
    pub fn update<'i>(
        &mut self,
        instances: impl Iterator<Item = &'i InstanceInfo> + Clone,
        deleted: &BTreeSet<Key>,
        now: Timestamp,
    ) {
        let known = Known {
            instances: instances.clone().map(replica::key).collect(),
            bases: instances.clone().filter_map(address::base).collect(),
            deleted,
        };
        let mut found = by_service(instances);
        found.retain(|service, _| !self.fixed.contains(service));
        let services: BTreeSet<String> = self.listed.keys().chain(found.keys()).cloned().collect();
        for service in services {
            let is_known = found.contains_key(&service);
            let told = found.remove(&service).unwrap_or_default();
            self.update_service(service, (is_known, told), &known, now);
        }
    }

    fn update_service(
        &mut self,
        service: String,
        (is_known, told): (bool, BTreeMap<String, Key>),
        known: &Known<'_>,
        now: Timestamp,
    ) {
        let before = self.listed.remove(&service);
        let is_new = before.is_none();
        let before = before.unwrap_or_default();
        let was: BTreeSet<String> = before.keys().cloned().collect();
        let mut bases = told
            .into_iter()
            .map(|(address, instance)| (address, Base { instance, missing_since: None }))
            .collect::<Bases>();
        for (address, mut base) in before {
            if bases.contains_key(&address) || known.denies(&address, &base) {
                continue;
            }
            let since = *base.missing_since.get_or_insert_with(|| {
                tracing::info!(target_service = service, base = address, "not registered any more; kept for one lease");
                now
            });
            if now.since(since) < self.grace {
                bases.insert(address, base);
            } else {
                tracing::warn!(target_service = service, base = address, "given up: it has not registered again");
            }
        }
        let is_same = !is_new && bases.keys().eq(&was);
        if bases.is_empty() && !is_known {
            self.directory.remove(&service);
            self.measure(&service, 0);
            return;
        }
        if !is_same {
            tracing::info!(target_service = service, instances = bases.len(), "the registry has news of a service");
            self.directory.set(&service, bases.keys().cloned());
            self.measure(&service, bases.len());
        }
        self.listed.insert(service, bases);
    }

    fn measure(&mut self, service: &str, count: usize) {
        if self.measured.len() < MOST_MEASURED && !self.measured.contains(service) {
            self.measured.insert(service.to_owned());
        }
        if self.measured.contains(service) {
            metrics::known(service, count);
        }
    }
}

/// Services by name in lower case, with where they take calls and who tells it.
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

    /// One replica of order by its number, which is its port.
    fn order(number: u16, status: &str) -> InstanceInfo {
        instance("order", &format!("o{number}"), number, status)
    }

    struct Fetched {
        listing: Listing,
        directory: Directory,
    }

    impl Fetched {
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

        /// The ports at which order is called.
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
        let mut fetched = Fetched::new(&["cart"]);
        let directory = fetched.directory.clone();
        directory.set("cart", ["http://static".to_owned()]);
        fetched.whole(0, &[instance("ORDER, Order-v2", "o", 80, "UP"), instance("cart", "c", 81, "UP")]);
        let base = |service: &str| directory.choose(service).unwrap().base().to_owned();
        assert_eq!(base("order"), "http://10.0.0.5:80");
        assert_eq!(base("order-v2"), "http://10.0.0.5:80");
        assert_eq!(base("cart"), "http://static", "fixed");
    }

    #[test]
    fn whoever_is_taken_out_moves_or_takes_no_calls_goes_at_once() {
        let mut fetched = Fetched::new(&[]);
        fetched.whole(0, &[order(1, "UP"), order(2, "UP"), order(3, "UP"), order(4, "UP")]);
        let moved = instance("order", "o2", 22, "UP");
        fetched.deleting(1, &[moved, order(3, "OUT_OF_SERVICE"), order(4, "UP")], &[&order(1, "UP")]);
        assert_eq!(fetched.ports(), ports([4, 22]));
        // Somebody else has its address now.
        fetched.whole(2, &[instance("cart", "c", 4, "UP"), order(3, "STARTING")]);
        assert_eq!(fetched.ports(), ports([22]), "nobody said anything of this one");
        fetched.deleting(3, &[order(3, "DOWN")], &[&order(2, "UP")]);
        assert_eq!(fetched.ports(), ports([]), "taken out while it was missing");
        assert!(fetched.directory.services().contains(&"order".to_owned()));
        fetched.deleting(4, &[], &[&order(3, "UP")]);
        assert!(!fetched.directory.services().contains(&"order".to_owned()));
    }

    #[test]
    fn replicas_come_back_one_by_one_after_a_registry_that_was_started_anew() {
        let all = [order(1, "UP"), order(2, "UP"), order(3, "UP")];
        let mut fetched = Fetched::new(&[]);
        fetched.whole(0, &all);
        fetched.whole(10, &[]);
        assert_eq!(fetched.ports(), ports([1, 2, 3]));
        fetched.whole(20, &[order(1, "STARTING")]);
        assert_eq!(fetched.ports(), ports([2, 3]), "the first one back takes no calls");
        fetched.whole(30, &[order(1, "UP"), order(2, "UP"), order(4, "UP")]);
        assert_eq!(fetched.ports(), ports([1, 2, 3, 4]), "whoever is new is there at once");
        fetched.whole(99, &all[..2]);
        assert_eq!(fetched.ports(), ports([1, 2, 3, 4]));
        fetched.whole(100, &all[..2]);
        assert_eq!(fetched.ports(), ports([1, 2, 4]), "the third is given up after its lease");
    }

    #[test]
    fn a_service_that_nobody_knows_any_more_stays_for_one_lease() {
        let mut fetched = Fetched::new(&[]);
        fetched.whole(0, &[order(80, "UP")]);
        fetched.whole(10, &[]);
        fetched.whole(99, &[]);
        assert_eq!(fetched.ports(), ports([80]), "the lease counts from when it was missed first");
        fetched.whole(99, &[order(80, "UP")]);
        fetched.whole(110, &[]);
        fetched.whole(199, &[]);
        assert_eq!(fetched.ports(), ports([80]), "it was back, so the lease counts anew");
        fetched.whole(200, &[]);
        assert_eq!(fetched.ports(), ports([]));
        assert!(fetched.directory.services().is_empty());
    }
}
