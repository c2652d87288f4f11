//! What operators set: it holds until it is taken back, or nobody has asked for it for an hour.

use std::{collections::HashMap, time::Duration};

use souk_eureka::InstanceStatus;
use souk_values::Timestamp;

const LIFE: Duration = Duration::from_secs(3_600);

/// By instance id, as the original keeps them: never more than there are instances.
#[derive(Debug, Default)]
pub(super) struct Overrides(HashMap<String, (InstanceStatus, Timestamp)>);

impl Overrides {
    /// What is set for `id`; asking lets it live on.
    pub(super) fn get(&mut self, id: &str, now: Timestamp) -> Option<InstanceStatus> {
        let (status, asked_at) = self.0.get_mut(id)?;
        if now.since(*asked_at) > LIFE {
            self.0.remove(id);
            return None;
        }
        *asked_at = now;
        Some(*status)
    }

    pub(super) fn set(&mut self, id: &str, status: InstanceStatus, now: Timestamp) {
        self.0.insert(id.to_owned(), (status, now));
    }

    /// Sets it if nothing is set.
    pub(super) fn seed(&mut self, id: &str, status: InstanceStatus, now: Timestamp) {
        if self.get(id, now).is_none() {
            self.set(id, status, now);
        }
    }

    /// Whether something was set.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }
}
