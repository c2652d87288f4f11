//! This process's own copy of the registry.

use std::collections::{BTreeMap, BTreeSet};

use souk_eureka::{ActionType, Applications, InstanceInfo, hash_code};

/// What an instance is known by: its application and its id.
pub type Key = (String, String);

/// A copy of the registry, by application and instance.
#[derive(Debug, Default)]
pub struct Replica(BTreeMap<Key, InstanceInfo>);

impl Replica {
    /// Becomes `whole`.
    pub fn replace(&mut self, whole: Applications) {
        self.0.clear();
        for application in whole.applications {
            self.0.extend(application.instances.into_iter().map(|one| (key(&one), one)));
        }
    }

    /// Takes over what changed, the oldest first. Answers whether the copy now is what the registry has; if not, it must
    /// be replaced.
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

    /// All instances, whatever their status.
    pub fn instances(&self) -> impl Iterator<Item = &InstanceInfo> + Clone {
        self.0.values()
    }
}

/// Those of which `delta` says last that they were taken out.
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

/// Under which an instance is kept.
pub fn key(instance: &InstanceInfo) -> Key {
    (instance.app.clone(), instance.instance_id.clone())
}
