//! What changed lately: the content of a delta.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

use crate::admission;

/// About how many bytes are kept, which are some 30,000 changes of usual instances. Of more the oldest fall out, and
/// clients that miss them see by the hash that they must read everything.
const MOST_BYTES: usize = 64 << 20;
/// What a change takes beside its texts, and beside each entry of metadata.
const OVERHEAD: usize = 1_024;
const ENTRY_OVERHEAD: usize = 64;

/// Oldest first. Of one instance only the first and the last change are kept: those between make no difference to a
/// client that applies all, and an instance that registers all the time cannot fill the memory.
#[derive(Debug)]
pub(super) struct Changes {
    list: BTreeMap<u64, Change>,
    ends: HashMap<Arc<(String, String)>, Ends>,
    /// What those of the list take.
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

#[derive(Debug, Clone, Copy)]
struct Ends {
    first: u64,
    last: Option<u64>,
}

impl Changes {
    /// Versions begin with the time, so that no client takes what a restarted server says for what it said before.
    pub(super) fn new(now: Timestamp) -> Self {
        let version = u64::try_from(now.seconds()).unwrap_or(0);
        Self { list: BTreeMap::new(), ends: HashMap::new(), bytes: 0, next: 0, version }
    }

    pub(super) fn note(&mut self, info: InstanceInfo, now: Timestamp) {
        let number = self.next;
        self.next += 1;
        self.version += 1;
        let key = Arc::new((info.app.clone(), info.instance_id.clone()));
        let ends = self.ends.entry(Arc::clone(&key)).or_insert(Ends { first: number, last: None });
        if ends.first != number
            && let Some(between) = ends.last.replace(number)
        {
            self.bytes -= self.list.remove(&between).map_or(0, |change| change.bytes);
        }
        let bytes = size(&info);
        self.bytes += bytes;
        self.list.insert(number, Change { at: now, bytes, key, info: Arc::new(info) });
        while self.bytes > MOST_BYTES {
            self.drop_oldest();
        }
    }

    /// Drops what is older than `retention`. Answers whether there was any.
    pub(super) fn sweep(&mut self, now: Timestamp, retention: Duration) -> bool {
        let mut has_any = false;
        while self.list.first_key_value().is_some_and(|(_, change)| now.since(change.at) > retention) {
            self.drop_oldest();
            has_any = true;
        }
        self.version += u64::from(has_any);
        has_any
    }

    /// Grows with each change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// What the next change is later than.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    /// Whether this instance changed lately; whether it did so at `mark` or later.
    pub(super) fn of(&self, app: &str, id: &str, mark: u64) -> (bool, bool) {
        let ends = self.ends.get(&(app.to_owned(), id.to_owned()));
        (ends.is_some(), ends.is_some_and(|ends| ends.last.unwrap_or(ends.first) >= mark))
    }

    /// Oldest first.
    pub(super) fn list(&self) -> Vec<Arc<InstanceInfo>> {
        self.list.values().map(|change| Arc::clone(&change.info)).collect()
    }

    fn drop_oldest(&mut self) {
        let Some((number, change)) = self.list.pop_first() else { return };
        self.bytes -= change.bytes;
        let Some(ends) = self.ends.get_mut(&change.key) else { return };
        if ends.first != number {
            return;
        }
        match ends.last.take() {
            Some(last) => ends.first = last,
            None => {
                self.ends.remove(&change.key);
            }
        }
    }
}

/// About what an instance takes.
fn size(info: &InstanceInfo) -> usize {
    let entries = info.metadata.len() + info.data_center.metadata.len();
    OVERHEAD + admission::text_size(info) + ENTRY_OVERHEAD * entries
}
