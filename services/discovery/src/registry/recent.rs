//! Who came or went last, for the status page.

use std::collections::VecDeque;

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use crate::overview::Passage;

const KEPT: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Passage>);

impl Recent {
    pub(super) fn note(&mut self, info: &InstanceInfo, now: Timestamp) {
        self.0.push_front(Passage { at: now, app: info.app.clone(), instance_id: info.instance_id.clone() });
        self.0.truncate(KEPT);
    }

    /// Newest first.
    pub(super) fn list(&self) -> Vec<Passage> {
        self.0.iter().cloned().collect()
    }
}
