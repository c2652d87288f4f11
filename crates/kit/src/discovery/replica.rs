//! This process's own copy of the registry.

use std::collections::BTreeMap;

use souk_eureka::{ActionType, Applications, InstanceInfo, hash_code};

/// A copy of the registry, by application and instance.
#[derive(Debug, Default)]
pub struct Replica(BTreeMap<(String, String), InstanceInfo>);

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
    pub fn instances(&self) -> impl Iterator<Item = &InstanceInfo> {
        self.0.values()
    }
}

fn key(instance: &InstanceInfo) -> (String, String) {
    (instance.app.clone(), instance.instance_id.clone())
}
