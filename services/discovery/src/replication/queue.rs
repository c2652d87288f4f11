//! What waits to be sent to one peer.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use souk_values::Timestamp;
use tokio::sync::Notify;

use super::{Action, Task};

/// More do not wait; the oldest are dropped.
const MOST: usize = 50_000;

type Key = (Action, String, String);

/// A queue in which a newer task takes the place of one of the same kind about the same instance: at the end, so that
/// an instance that went and came again is told in that order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    tasks: BTreeMap<i64, Task>,
    numbers: HashMap<Key, i64>,
}

/// What is to be sent, and how many tasks had become too old.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub tasks: Vec<Task>,
    pub bodies: Vec<String>,
    pub expired: usize,
}

impl Queue {
    /// Adds a task. Answers how many were dropped for it.
    pub(super) fn push(&self, task: Task) -> usize {
        let mut inner = self.lock();
        if let Some(number) = inner.numbers.remove(&key(&task)) {
            inner.tasks.remove(&number);
        }
        let next = inner.tasks.last_key_value().map_or(0, |(last, _)| last + 1);
        inner.insert(next, task);
        let mut dropped = 0;
        while inner.tasks.len() > MOST {
            inner.pop();
            dropped += 1;
        }
        drop(inner);
        self.filled.notify_one();
        dropped
    }

    /// Takes what is oldest, at most `items` and about `bytes` of them.
    pub(super) fn take(&self, items: usize, bytes: usize, now: Timestamp) -> Batch {
        let (mut batch, mut size) = (Batch::default(), 0);
        while batch.tasks.len() < items && size < bytes {
            // One lock a task: whoever tells something meanwhile does not wait for a whole batch to be written.
            let Some(task) = self.lock().pop() else { break };
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

    /// Puts tasks that could not be sent back to the front, unless newer ones took their place.
    pub(super) fn put_back(&self, tasks: Vec<Task>) {
        let mut inner = self.lock();
        for task in tasks.into_iter().rev() {
            if !inner.numbers.contains_key(&key(&task)) {
                let before = inner.tasks.first_key_value().map_or(0, |(first, _)| first - 1);
                inner.insert(before, task);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().tasks.len()
    }

    /// Returns once there may be something new.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, number: i64, task: Task) {
        self.numbers.insert(key(&task), number);
        self.tasks.insert(number, task);
    }

    fn pop(&mut self) -> Option<Task> {
        let (_, task) = self.tasks.pop_first()?;
        self.numbers.remove(&key(&task));
        Some(task)
    }
}

fn key(task: &Task) -> Key {
    (task.action, task.app.clone(), task.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cancel(id: &str, at: i64) -> Task {
        Task::cancel("A", id, Timestamp::from_millis(at))
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
    fn what_is_put_back_comes_first_unless_something_newer_waits() {
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
    fn what_is_too_old_is_dropped_and_a_batch_ends_when_it_is_large() {
        let queue = Queue::default();
        queue.push(cancel("old", 0));
        queue.push(cancel("new", 40_000));
        queue.push(cancel("next", 40_000));
        let batch = queue.take(9, 10, Timestamp::from_millis(30_001));
        assert_eq!((ids(&batch), batch.expired, queue.len()), (vec!["new"], 1, 1));
    }

    #[test]
    fn it_never_holds_more_than_it_may() {
        let queue = Queue::default();
        let dropped: usize = (0..MOST + 10).map(|number| queue.push(cancel(&number.to_string(), 0))).sum();
        assert_eq!((dropped, queue.len()), (10, MOST));
    }
}
