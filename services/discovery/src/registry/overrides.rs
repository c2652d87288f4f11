//! Statuses that operators have set. An override holds until it is deleted, or was not read for an hour.

use std::{collections::HashMap, time::Duration};

use souk_eureka::InstanceStatus;
use souk_values::Timestamp;

const EXPIRES_AFTER: Duration = Duration::from_secs(3_600);

/// Overrides by instance id, with the time of their latest use. As in the original, the application is not part of
/// the key. There are never more than instances.
#[derive(Debug, Default)]
pub(super) struct Overrides(HashMap<String, (InstanceStatus, Timestamp)>);

impl Overrides {
    /// Returns the override of an instance and extends its life.
    pub(super) fn get(&mut self, id: &str, now: Timestamp) -> Option<InstanceStatus> {
        let (status, used_at) = self.0.get_mut(id)?;
        if now.since(*used_at) > EXPIRES_AFTER {
            self.0.remove(id);
            return None;
        }
        *used_at = now;
        Some(*status)
    }

    pub(super) fn set(&mut self, id: &str, status: InstanceStatus, now: Timestamp) {
        self.0.insert(id.to_owned(), (status, now));
    }

    pub(super) fn set_if_absent(&mut self, id: &str, status: InstanceStatus, now: Timestamp) {
        if self.get(id, now).is_none() {
            self.set(id, status, now);
        }
    }

    /// Removes an override. Returns false if there was none.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        self.0.remove(id).is_some()
    }
}
