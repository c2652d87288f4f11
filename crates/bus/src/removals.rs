//! Removes the rows of what is done: of events that are published, and of messages that are applied.
//!
//! No caller waits for it, and a row that stays after a crash does no harm: its event is published again, or its message
//! delivered again, which inboxes know. So the rows of a moment are removed together. A shop that stops removes them at once.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use parking_lot::Mutex;
use souk_sql::{Db, SqlError, Tx};

/// Time for which rows are collected. In real time, unlike the terms of the business.
const COLLECTED_FOR: Duration = Duration::from_millis(50);

/// Deletes rows in a transaction.
type Delete<K> = for<'t> fn(&'t Tx, &'t Vec<K>) -> BoxFuture<'t, Result<(), SqlError>>;
/// Learns which rows are removed, or could not be.
type Done<K> = Box<dyn Fn(&[K]) + Send + Sync>;

/// The rows of one table that are to be removed, by their keys.
pub(crate) struct Removals<K> {
    db: Db,
    delete: Delete<K>,
    done: Done<K>,
    /// Keys since the last removal began.
    keys: Mutex<Vec<K>>,
    /// Held by a removal.
    removing: tokio::sync::Mutex<()>,
}

impl<K: Clone + Send + Sync + 'static> Removals<K> {
    /// `done` learns the keys of each removal once it has ended, well or not.
    pub fn new(db: Db, delete: Delete<K>, done: impl Fn(&[K]) + Send + Sync + 'static) -> Arc<Self> {
        let removing = tokio::sync::Mutex::default();
        Arc::new(Self { db, delete, done: Box::new(done), keys: Mutex::default(), removing })
    }

    /// Removes rows a moment later.
    pub fn add(self: &Arc<Self>, keys: impl IntoIterator<Item = K>) {
        let mut collected = self.keys.lock();
        let is_first = collected.is_empty();
        collected.extend(keys);
        if is_first && !collected.is_empty() {
            let removals = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(COLLECTED_FOR).await;
                removals.remove().await;
            });
        }
    }

    /// Removes what was added, and waits until it is removed.
    pub async fn finish(&self) {
        self.remove().await;
    }

    async fn remove(&self) {
        let _removing = self.removing.lock().await;
        let keys = std::mem::take(&mut *self.keys.lock());
        if keys.is_empty() {
            return;
        }
        let delete = self.delete;
        let removed = self.db.write_without_hurry(keys.clone(), move |tx, keys| delete(tx, keys)).await;
        if let Err(error) = removed {
            tracing::warn!(rows = keys.len(), error = %error, "rows of what is done stay for now");
        }
        (self.done)(&keys);
    }
}

impl<K> std::fmt::Debug for Removals<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Removals").field("waiting", &self.keys.lock().len()).finish_non_exhaustive()
    }
}
