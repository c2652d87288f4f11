//! The latest registrations and cancellations, for the status page.

use std::collections::VecDeque;

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use super::Registry;

const CAPACITY: usize = 1_000;

/// A registration, cancellation or eviction.
#[derive(Debug, Clone)]
pub(crate) struct RecentEntry {
    pub at: Timestamp,
    /// Name of the application, in upper case.
    pub app: String,
    pub instance_id: String,
}

#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<RecentEntry>);

impl Recent {
    pub(super) fn record(&mut self, info: &InstanceInfo, now: Timestamp) {
        self.0.push_front(RecentEntry { at: now, app: info.app.clone(), instance_id: info.instance_id.clone() });
        self.0.truncate(CAPACITY);
    }

    fn list(&self) -> Vec<RecentEntry> {
        self.0.iter().cloned().collect()
    }
}

impl Registry {
    /// Returns the latest 1000 registrations, newest first.
    pub fn recently_registered(&self) -> Vec<RecentEntry> {
        self.registered.list()
    }

    /// Returns the latest 1000 cancellations and evictions, newest first.
    pub fn recently_cancelled(&self) -> Vec<RecentEntry> {
        self.cancelled.list()
    }
}
