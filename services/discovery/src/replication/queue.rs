//! The queue of replication tasks for one peer.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use souk_values::Timestamp;
use tokio::sync::Notify;

use super::task::{Action, ReplicationTask};

/// Number of queued tasks above which the oldest are dropped.
const CAPACITY: usize = 50_000;

type Key = (Action, String, String);

/// A queue in which a task replaces an older one of the same action on the same instance. The new task goes to the
/// end, so that "cancelled, then registered" arrives in that order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    pushed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    tasks: BTreeMap<i64, ReplicationTask>,
    numbers: HashMap<Key, i64>,
}

/// Tasks with their serialized items, and the number of tasks that had expired in the queue.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub tasks: Vec<ReplicationTask>,
    pub bodies: Vec<String>,
    pub expired: usize,
}

impl Queue {
    /// Adds a task. Returns the number of tasks that were dropped because the queue is full.
    pub(super) fn push(&self, task: ReplicationTask) -> usize {
        let mut inner = self.inner.lock();
        if let Some(number) = inner.numbers.remove(&key(&task)) {
            inner.tasks.remove(&number);
        }
        let next = inner.tasks.last_key_value().map_or(0, |(last, _)| last + 1);
        inner.insert(next, task);
        let mut dropped = 0;
        while inner.tasks.len() > CAPACITY {
            inner.pop();
            dropped += 1;
        }
        drop(inner);
        self.pushed.notify_one();
        dropped
    }

    /// Takes the oldest tasks, at most `items` and about `bytes` of them.
    pub(super) fn take(&self, items: usize, bytes: usize, now: Timestamp) -> Batch {
        let mut batch = Batch::default();
        let mut size = 0;
        while batch.tasks.len() < items && size < bytes {
            // Locked per task: a push happens under the registry's lock and must not wait for a batch to be serialized.
            let Some(task) = self.inner.lock().pop() else { break };
            if now > task.expires_at {
                batch.expired += 1;
                continue;
            }
            let body = task.to_json().to_string();
            size += body.len();
            batch.bodies.push(body);
            batch.tasks.push(task);
        }
        batch
    }

    /// Puts tasks that could not be sent back to the front, except those that newer ones have replaced.
    pub(super) fn put_back(&self, tasks: Vec<ReplicationTask>) {
        let mut inner = self.inner.lock();
        for task in tasks.into_iter().rev() {
            if !inner.numbers.contains_key(&key(&task)) {
                let before = inner.tasks.first_key_value().map_or(0, |(first, _)| first - 1);
                inner.insert(before, task);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.inner.lock().tasks.len()
    }

    /// Waits for a push; one that happened since the previous wait counts.
    pub(super) async fn wait_for_task(&self) {
        self.pushed.notified().await;
    }
}

impl Inner {
    fn insert(&mut self, number: i64, task: ReplicationTask) {
        self.numbers.insert(key(&task), number);
        self.tasks.insert(number, task);
    }

    fn pop(&mut self) -> Option<ReplicationTask> {
        let (_, task) = self.tasks.pop_first()?;
        self.numbers.remove(&key(&task));
        Some(task)
    }
}

fn key(task: &ReplicationTask) -> Key {
    (task.action, task.app.clone(), task.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::InstanceKey;

    fn cancel(id: &str, at: i64) -> ReplicationTask {
        ReplicationTask::cancel(InstanceKey { app: "A", id }, Timestamp::from_millis(at))
    }

    fn ids(batch: &Batch) -> Vec<&str> {
        batch.tasks.iter().map(|task| task.id.as_str()).collect()
    }

    #[test]
    fn a_newer_task_replaces_the_queued_one_and_goes_last() {
        let queue = Queue::default();
        for id in ["a", "b", "a"] {
            queue.push(cancel(id, 0));
        }
        let batch = queue.take(250, 1_000_000, Timestamp::EPOCH);
        assert_eq!(ids(&batch), ["b", "a"]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn tasks_that_are_put_back_come_first_unless_they_were_replaced() {
        let queue = Queue::default();
        for id in ["a", "b", "c"] {
            queue.push(cancel(id, 0));
        }
        let batch = queue.take(2, 1_000_000, Timestamp::EPOCH);
        assert_eq!(ids(&batch), ["a", "b"]);
        queue.push(cancel("b", 1));
        queue.put_back(batch.tasks);
        assert_eq!(ids(&queue.take(9, 1_000_000, Timestamp::EPOCH)), ["a", "c", "b"]);
    }

    #[test]
    fn expired_tasks_are_dropped_and_a_large_batch_ends_early() {
        let queue = Queue::default();
        queue.push(cancel("old", 0));
        queue.push(cancel("new", 40_000));
        queue.push(cancel("next", 40_000));
        let batch = queue.take(9, 10, Timestamp::from_millis(30_001));
        assert_eq!((ids(&batch), batch.expired, queue.len()), (vec!["new"], 1, 1));
    }

    #[test]
    fn a_full_queue_drops_its_oldest_tasks() {
        let queue = Queue::default();
        let dropped: usize = (0..CAPACITY + 10).map(|number| queue.push(cancel(&number.to_string(), 0))).sum();
        assert_eq!((dropped, queue.len()), (10, CAPACITY));
    }
}
