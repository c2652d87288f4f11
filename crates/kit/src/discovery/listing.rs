//! What the registry knows, brought into the directory.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use super::{address, metrics};
use crate::call::Directory;

/// Keeps a directory like the registry.
#[derive(Debug)]
pub struct Listing {
    directory: Directory,
    fixed: HashSet<String>,
    /// How long a service that the registry does not know any more stays where it was.
    grace: Duration,
    listed: BTreeMap<String, Listed>,
    /// The services that have a series of their own; so many and no more, for whoever registers chooses its name.
    measured: BTreeSet<String>,
}

/// How many services have a series of their own.
const MOST_MEASURED: usize = 100;

/// A service that the directory has from the registry.
#[derive(Debug, Default)]
struct Listed {
    bases: BTreeSet<String>,
    /// Since when the registry knows no instance of it, in whatever status.
    unknown_since: Option<Timestamp>,
}

impl Listing {
    /// Fills `directory`, but for the services in `fixed`.
    pub fn new(directory: Directory, fixed: HashSet<String>, grace: Duration) -> Self {
        Self { directory, fixed, grace, listed: BTreeMap::new(), measured: BTreeSet::new() }
    }

    /// Brings the directory to what `instances`, the whole registry, say at `now`.
    ///
    /// A service of which nothing is registered any more stays where it was for one lease: a registry that was started
    /// anew is empty until everybody has renewed, and whoever is truly gone fails a call just as fast as one that is not
    /// listed. Instances that others replace, and those that say that they take no calls, go at once.
    pub fn update<'i>(&mut self, instances: impl Iterator<Item = &'i InstanceInfo>, now: Timestamp) {
        let found = self.by_service(instances);
        self.forget_unknown(&found, now);
        for (service, bases) in found {
            let listed = self.listed.get(&service);
            if listed.is_none_or(|listed| listed.bases != bases || listed.unknown_since.is_some()) {
                tracing::info!(target_service = service, instances = bases.len(), "the registry has news of a service");
                self.directory.set(&service, bases.iter().cloned());
                self.measure(&service, bases.len());
                self.listed.insert(service, Listed { bases, unknown_since: None });
            }
        }
    }

    /// Services by name in lower case, with where they take calls.
    fn by_service<'i>(&self, instances: impl Iterator<Item = &'i InstanceInfo>) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for instance in instances {
            let names = instance.vip_address.as_deref().unwrap_or_default().split(',');
            for name in names.map(|name| name.trim().to_lowercase()) {
                if !name.is_empty() && !self.fixed.contains(&name) {
                    found.entry(name).or_default().extend(address::base(instance));
                }
            }
        }
        found
    }

    fn measure(&mut self, service: &str, count: usize) {
        if self.measured.len() < MOST_MEASURED && !self.measured.contains(service) {
            self.measured.insert(service.to_owned());
        }
        if self.measured.contains(service) {
            metrics::known(service, count);
        }
    }

    fn forget_unknown(&mut self, found: &BTreeMap<String, BTreeSet<String>>, now: Timestamp) {
        let (directory, grace) = (&self.directory, self.grace);
        let mut gone = Vec::new();
        self.listed.retain(|service, listed| {
            if found.contains_key(service) {
                return true;
            }
            let since = *listed.unknown_since.get_or_insert_with(|| {
                tracing::info!(target_service = service, "the registry does not know a service any more");
                now
            });
            let stays = now.since(since) < grace;
            if !stays {
                tracing::warn!(target_service = service, "a service is given up: nothing of it has registered again");
                directory.remove(service);
                gone.push(service.clone());
            }
            stays
        });
        for service in gone {
            self.measure(&service, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn instance(vip: &str, port: u16, status: &str) -> InstanceInfo {
        let port = json!({"$": port, "@enabled": "true"});
        let fields = json!({"vipAddress": vip, "ipAddr": "10.0.0.5", "port": port, "status": status});
        InstanceInfo::from_json(&fields, 0).unwrap()
    }

    fn listing(fixed: &[&str]) -> (Listing, Directory) {
        let directory = Directory::default();
        let fixed = fixed.iter().map(|name| (*name).to_owned()).collect();
        (Listing::new(directory.clone(), fixed, LEASE), directory)
    }

    fn where_is(directory: &Directory, service: &str) -> Option<String> {
        directory.choose(service).ok().map(|chosen| chosen.base().to_owned())
    }

    #[test]
    fn names_are_matched_in_any_case_and_one_instance_may_have_several() {
        let (mut listing, directory) = listing(&["cart"]);
        directory.set("cart", ["http://static".to_owned()]);
        listing.update([instance("ORDER, Order-v2", 80, "UP"), instance("cart", 81, "UP")].iter(), Timestamp::EPOCH);
        assert_eq!(where_is(&directory, "order").as_deref(), Some("http://10.0.0.5:80"));
        assert_eq!(where_is(&directory, "order-v2").as_deref(), Some("http://10.0.0.5:80"));
        assert_eq!(where_is(&directory, "cart").as_deref(), Some("http://static"), "fixed");
    }

    #[test]
    fn whoever_is_replaced_or_takes_no_calls_goes_at_once() {
        let (mut listing, directory) = listing(&[]);
        listing.update([instance("order", 80, "UP")].iter(), Timestamp::EPOCH);
        listing.update([instance("order", 81, "UP")].iter(), Timestamp::EPOCH);
        assert_eq!(where_is(&directory, "order").as_deref(), Some("http://10.0.0.5:81"));
        listing.update([instance("order", 81, "OUT_OF_SERVICE")].iter(), Timestamp::EPOCH);
        assert_eq!(where_is(&directory, "order"), None);
    }

    #[test]
    fn a_service_that_nobody_knows_any_more_stays_for_one_lease() {
        let (mut listing, directory) = listing(&[]);
        let at = |seconds| Timestamp::EPOCH.plus(Duration::from_secs(seconds));
        listing.update([instance("order", 80, "UP")].iter(), at(0));
        listing.update([].iter(), at(10));
        listing.update([].iter(), at(99));
        assert!(where_is(&directory, "order").is_some(), "the lease counts from when it was missed first");
        listing.update([instance("order", 80, "UP")].iter(), at(99));
        listing.update([].iter(), at(110));
        listing.update([].iter(), at(199));
        assert!(where_is(&directory, "order").is_some(), "it was back, so the lease counts anew");
        listing.update([].iter(), at(200));
        assert_eq!(where_is(&directory, "order"), None);
        assert!(directory.services().is_empty());
    }
}
