//! The times at which labels moved, for `Last-Modified`.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use gix::ObjectId;

/// Limit on the labels that are remembered.
const MAX_LABELS: usize = 1_000;

/// The commit at which each label was last seen, and since when.
#[derive(Debug, Default)]
pub(super) struct LabelTimes(HashMap<String, (ObjectId, DateTime<Utc>)>);

impl LabelTimes {
    /// Returns the time at which `label` was first seen at `commit`, which is `now` for a label that has moved. The
    /// time of a commit date would not do: a forced push may move a label to an older commit.
    pub fn first_seen(&mut self, label: &str, commit: ObjectId, now: DateTime<Utc>) -> DateTime<Utc> {
        let at = match self.0.get(label) {
            Some((known, at)) if *known == commit => return *at,
            // HTTP dates have whole seconds: two commits within one would look the same to a client.
            Some((_, at)) => now.max(*at + Duration::from_secs(1)),
            None => now,
        };
        if self.0.len() >= MAX_LABELS {
            self.0.clear();
        }
        self.0.insert(label.to_owned(), (commit, at));
        at
    }
}
