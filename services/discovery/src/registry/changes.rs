//! The recent changes, which are the content of a delta.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use super::InstanceKey;
use crate::admission;

/// Approximate memory for changes, enough for some 30,000 of usual size. Above it the oldest are dropped; clients that
/// miss one notice it by the hash code and fetch the full registry.
const MAX_BYTES: usize = 64 << 20;
/// Approximate memory of a change in addition to its texts.
const CHANGE_OVERHEAD: usize = 1_024;
/// Approximate memory of a metadata entry in addition to its texts.
const ENTRY_OVERHEAD: usize = 64;

/// Recent changes, oldest first.
///
/// Of each instance only the first and the latest change are kept. Those in between make no difference to a client
/// that applies them all, and an instance that registers in a loop cannot fill the memory.
#[derive(Debug)]
pub(super) struct Changes {
    by_number: BTreeMap<u64, Change>,
    kept: HashMap<Arc<(String, String)>, Kept>,
    bytes: usize,
    next: u64,
    version: u64,
}

#[derive(Debug)]
struct Change {
    at: Timestamp,
    bytes: usize,
    key: Arc<(String, String)>,
    info: Arc<InstanceInfo>,
}

/// Numbers of the kept changes of one instance.
#[derive(Debug, Clone, Copy)]
struct Kept {
    first: u64,
    latest: Option<u64>,
}

impl Changes {
    pub(super) fn new(now: Timestamp) -> Self {
        // Versions start at the current time, so that a client does not take the first delta after a restart for one
        // that it has already applied.
        let version = u64::try_from(now.seconds()).unwrap_or(0);
        Self { by_number: BTreeMap::new(), kept: HashMap::new(), bytes: 0, next: 0, version }
    }

    pub(super) fn record(&mut self, info: InstanceInfo, now: Timestamp) {
        let number = self.next;
        self.next += 1;
        self.version += 1;
        let key = Arc::new((info.app.clone(), info.instance_id.clone()));
        let kept = self.kept.entry(Arc::clone(&key)).or_insert(Kept { first: number, latest: None });
        if kept.first != number
            && let Some(between) = kept.latest.replace(number)
        {
            self.bytes -= self.by_number.remove(&between).map_or(0, |change| change.bytes);
        }
        let bytes = size(&info);
        self.bytes += bytes;
        self.by_number.insert(number, Change { at: now, bytes, key, info: Arc::new(info) });
        while self.bytes > MAX_BYTES {
            self.drop_oldest();
        }
    }

    /// Drops changes older than `retention`. Returns true if there were any.
    pub(super) fn expire(&mut self, now: Timestamp, retention: Duration) -> bool {
        let mut has_any = false;
        while self.by_number.first_key_value().is_some_and(|(_, change)| now.since(change.at) > retention) {
            self.drop_oldest();
            has_any = true;
        }
        self.version += u64::from(has_any);
        has_any
    }

    /// Returns a number that grows with each change and each expiry.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Returns the number that the next change will have.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    /// Returns the number of the latest change of an instance; `None` if it has not changed recently.
    pub(super) fn latest(&self, key: InstanceKey<'_>) -> Option<u64> {
        let kept = self.kept.get(&(key.app.to_owned(), key.id.to_owned()))?;
        Some(kept.latest.unwrap_or(kept.first))
    }

    /// Returns the changes, oldest first.
    pub(super) fn list(&self) -> Vec<Arc<InstanceInfo>> {
        self.by_number.values().map(|change| Arc::clone(&change.info)).collect()
    }

    fn drop_oldest(&mut self) {
        let Some((number, change)) = self.by_number.pop_first() else { return };
        self.bytes -= change.bytes;
        let Some(kept) = self.kept.get_mut(&change.key) else { return };
        if kept.first != number {
            return;
        }
        match kept.latest.take() {
            Some(latest) => kept.first = latest,
            None => {
                self.kept.remove(&change.key);
            }
        }
    }
}

/// Returns the approximate memory of an instance, in bytes.
fn size(info: &InstanceInfo) -> usize {
    let entries = info.metadata.len() + info.data_center.metadata.len();
    CHANGE_OVERHEAD + admission::text_size(info) + ENTRY_OVERHEAD * entries
}
