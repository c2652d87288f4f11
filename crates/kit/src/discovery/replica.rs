//! Local replica of the registry.

use std::collections::{BTreeMap, BTreeSet};

use souk_eureka::{ActionType, Applications, InstanceInfo, hash_code};

/// Identity of an instance: application and instance id.
pub type Key = (String, String);

/// A replica of the registry.
#[derive(Debug, Default)]
pub struct Replica(BTreeMap<Key, InstanceInfo>);

impl Replica {
    /// Replaces the whole content.
    pub fn replace(&mut self, whole: Applications) {
        self.0.clear();
        for application in whole.applications {
            self.0.extend(application.instances.into_iter().map(|one| (key(&one), one)));
        }
    }

    /// Applies a delta, the oldest change first. Returns false when the hash codes differ afterwards: then the replica
    /// must be replaced.
    pub fn apply(&mut self, delta: Applications) -> bool {
        for instance in delta.applications.into_iter().flat_map(|application| application.instances) {
            if instance.action_type == Some(ActionType::Deleted) {
                self.0.remove(&key(&instance));
            } else {
                self.0.insert(key(&instance), instance);
            }
        }
        hash_code(self.0.values()) == delta.hash_code
    }

    /// Iterates over all instances of any status.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceInfo> + Clone {
        self.0.values()
    }
}

/// Returns the instances whose last change in `delta` is their deletion.
pub fn deleted(delta: &Applications) -> BTreeSet<Key> {
    let mut deleted = BTreeSet::new();
    for instance in delta.applications.iter().flat_map(|application| &application.instances) {
        if instance.action_type == Some(ActionType::Deleted) {
            deleted.insert(key(instance));
        } else {
            deleted.remove(&key(instance));
        }
    }
    deleted
}

pub fn key(instance: &InstanceInfo) -> Key {
    (instance.app.clone(), instance.instance_id.clone())
}
