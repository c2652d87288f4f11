//! The unpublished events of a SQLite file, which belongs to one process: those that it writes are handed to its relay as
//! they are committed, and their rows are read only after a start, or when another program has written.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryTrait};
use souk_events::Envelope;
use souk_sql::{Db, SqlError, Tx};
use uuid::Uuid;

use crate::{
    BusError,
    outbox::{Claim, Events, Keeper, UnreadableEvent},
    removals::Removals,
    sql_outbox::{events, key_list, oldest},
    tables::outbox_event::{Column, Entity},
};

/// Interval at which rows are read that were not handed over.
const READ_AGAIN: Duration = Duration::from_secs(1);

/// Maximum number of keys in one statement.
const KEYS: usize = 500;

/// Events that wait for the relay.
#[derive(Debug)]
pub(crate) struct Waiting {
    db: Db,
    state: Arc<Mutex<State>>,
    /// Rows of published events.
    removals: Arc<Removals<Uuid>>,
}

#[derive(Debug, Default)]
struct State {
    /// Events that no claim has, in the order of their ids, as of their rows.
    events: BTreeMap<Uuid, Envelope>,
    /// Ids of all events that wait, are claimed or lent, or are published and still have their row.
    known: HashSet<Uuid>,
    /// `None` if there may be rows that were not handed over.
    read_at: Option<Instant>,
}

impl State {
    /// Forgets published events.
    fn forget(&mut self, ids: &[Uuid]) {
        for id in ids {
            self.known.remove(id);
        }
    }

    fn add(&mut self, envelopes: Vec<Envelope>) {
        for envelope in envelopes {
            if self.known.insert(envelope.id) {
                self.events.insert(envelope.id, envelope);
            }
        }
    }
}

impl Waiting {
    pub fn new(db: &Db) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let removed = Arc::clone(&state);
        // One whose row could not be removed is found again, and published again.
        let forget = move |ids: &[Uuid]| removed.lock().forget(ids);
        Self {
            db: db.clone(),
            state,
            removals: Removals::new(
                db.clone(),
                |tx, ids| Box::pin(delete(tx, ids.iter().map(Uuid::to_string).collect())),
                forget,
            ),
        }
    }

    /// Claims the oldest events, at most `limit`.
    pub async fn claim(self: &Arc<Self>, limit: u64) -> Result<FileClaim, BusError> {
        let db = &self.db;
        let mut unreadable = Vec::new();
        if self.take_handed_over(db) {
            // As they were before the rows are read: a row may be deleted meanwhile.
            let known = self.state.lock().known.clone();
            let rows = limit.saturating_add(u64::try_from(known.len()).unwrap_or(u64::MAX));
            let mut found = events(&db.reader().query_all_raw(oldest(rows).build(DbBackend::Sqlite)).await?)?;
            found.envelopes.retain(|envelope| !known.contains(&envelope.id));
            self.state.lock().add(found.envelopes);
            unreadable = found.unreadable;
        }
        let mut state = self.state.lock();
        let mut envelopes = Vec::new();
        while u64::try_from(envelopes.len()).is_ok_and(|claimed| claimed < limit)
            && let Some((_, envelope)) = state.events.pop_first()
        {
            envelopes.push(envelope);
        }
        Ok(FileClaim { waiting: Arc::clone(self), events: Events { envelopes, unreadable } })
    }

    /// Waits until the rows of published events are removed.
    pub async fn finish_removals(&self) {
        self.removals.finish().await;
    }

    /// Takes the events that were handed over. Returns true if there may be others.
    fn take_handed_over(&self, db: &Db) -> bool {
        let handed = db.handed_over();
        let mut state = self.state.lock();
        for value in handed.values {
            if let Ok(envelopes) = value.downcast::<Vec<Envelope>>() {
                state.add(*envelopes);
            }
        }
        let is_due = handed.is_incomplete || state.read_at.is_none_or(|at| at.elapsed() >= READ_AGAIN);
        if is_due {
            state.read_at = Some(Instant::now());
        }
        is_due
    }
}

impl Keeper for Waiting {
    fn settled(&self, event: Uuid) {
        self.removals.add([event]);
    }
}

async fn delete(tx: &Tx, keys: Vec<String>) -> Result<(), SqlError> {
    for keys in keys.chunks(KEYS) {
        Entity::delete_many().filter(Column::EventId.is_in(keys.to_vec())).exec(tx).await?;
    }
    Ok(())
}

/// Claimed events. Those that are not confirmed wait again once it is dropped.
pub(crate) struct FileClaim {
    waiting: Arc<Waiting>,
    events: Events,
}

impl Drop for FileClaim {
    fn drop(&mut self) {
        let mut state = self.waiting.state.lock();
        state.events.extend(self.events.envelopes.drain(..).map(|envelope| (envelope.id, envelope)));
    }
}

#[async_trait::async_trait]
impl Claim for FileClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.events.envelopes
    }

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.events.unreadable
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        let keys = key_list(&self.events.unreadable);
        self.waiting.db.write(keys, |tx, keys| Box::pin(delete(tx, keys.clone()))).await?;
        Ok(())
    }

    fn keeper(&self) -> Option<Arc<dyn Keeper>> {
        Some(Arc::<Waiting>::clone(&self.waiting))
    }

    fn leave(&mut self, ids: &[Uuid]) {
        let left: HashSet<&Uuid> = ids.iter().collect();
        self.events.envelopes.retain(|envelope| !left.contains(&envelope.id));
    }

    async fn confirm(mut self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let confirmed: HashSet<Uuid> = ids.iter().copied().collect();
        self.events.envelopes.retain(|envelope| !confirmed.contains(&envelope.id));
        self.waiting.removals.add(confirmed);
        Ok(())
    }
}
