//! What changed lately: the content of a delta.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use std::sync::Arc;

use souk_eureka::InstanceInfo;
use souk_values::Timestamp;

/// More are not kept: the oldest fall out, and clients that miss them see by the hash that they must read everything.
const MOST: usize = 100_000;

/// Oldest first. Of one instance only the first and the last change are kept: those between make no difference to a
/// client that applies all, and an instance that registers all the time cannot fill the memory.
#[derive(Debug)]
pub(super) struct Changes {
    list: BTreeMap<u64, Change>,
    ends: HashMap<Arc<(String, String)>, Ends>,
    next: u64,
    version: u64,
}

#[derive(Debug)]
struct Change {
    at: Timestamp,
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
        Self { list: BTreeMap::new(), ends: HashMap::new(), next: 0, version }
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
            self.list.remove(&between);
        }
        self.list.insert(number, Change { at: now, key, info: Arc::new(info) });
        while self.list.len() > MOST {
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

    /// Oldest first.
    pub(super) fn list(&self) -> Vec<Arc<InstanceInfo>> {
        self.list.values().map(|change| Arc::clone(&change.info)).collect()
    }

    fn drop_oldest(&mut self) {
        let Some((number, change)) = self.list.pop_first() else { return };
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
