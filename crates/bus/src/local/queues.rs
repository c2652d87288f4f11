//! The durable queues of the local bus. The next messages to be delivered are in memory. Each is on disk too: in the store of
//! the queues, or on loan from the outbox of its service.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::{Envelope, QUEUES};
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{Clock, Timestamp};
use tokio::sync::Notify;
use uuid::Uuid;

use super::loan::Loan;
use crate::{
    BusError, Delivery,
    migrations::LocalBus,
    removals::Removals,
    tables::bus_message::{ActiveModel, Column, Entity, Model},
};

/// Maximum number of rows per statement, which keeps it below SQLite's limit of bound values.
const ROWS_PER_STATEMENT: usize = 500;
/// Number of messages of a queue in memory from which on arriving ones are left in the store.
const HELD: usize = 1_024;
/// Number of messages that are read from the store at once.
const READ: u64 = 256;

#[derive(Debug)]
pub(super) struct Queues {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    next_position: AtomicU64,
    by_name: Arc<HashMap<&'static str, MessageQueue>>,
    /// Rows of messages that were applied, by queue and position.
    removals: Arc<Removals<(&'static str, u64)>>,
}

/// One queue.
#[derive(Debug)]
struct MessageQueue {
    held: Mutex<Held>,
    arrivals: Notify,
}

/// The messages of a queue that are in memory.
#[derive(Debug)]
struct Held {
    /// By position.
    messages: BTreeMap<u64, Message>,
    /// Positions of messages that are applied and still have their row.
    applied: HashSet<u64>,
    /// Position behind which the store may have messages that are not in memory; `None` if it has none.
    unread_behind: Option<u64>,
    /// Number of messages that were left in the store, to notice one that was left while the store was read.
    left_in_store: u64,
}

#[derive(Debug)]
struct Message {
    envelope: Envelope,
    attempts: u32,
    due: Timestamp,
    /// `None` for a message that is in the store.
    loan: Option<Loan>,
}

impl Held {
    /// One that was read from the store may arrive a moment later, and is the same.
    fn insert(&mut self, position: u64, message: Message) {
        if !self.applied.contains(&position) {
            self.messages.entry(position).or_insert(message);
        }
    }

    /// Returns true if a message that comes next may be in memory alone.
    fn takes_more(&self) -> bool {
        self.unread_behind.is_none() && self.messages.len() < HELD
    }

    fn leave_in_store(&mut self, position: u64) {
        let behind = position.saturating_sub(1);
        self.unread_behind = Some(self.unread_behind.map_or(behind, |unread| unread.min(behind)));
        self.left_in_store += 1;
    }
}

/// A message that is on disk, for [`Queues::arrived`].
pub(super) struct Arrival {
    pub queue: &'static str,
    pub position: u64,
    pub envelope: Envelope,
    /// `None` for a message that is in the store.
    pub loan: Option<Loan>,
}

impl Queues {
    pub async fn open(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<LocalBus>().await?;
        }
        let last = Entity::find().order_by_desc(Column::Position).one(db.reader()).await?;
        let queue = || MessageQueue {
            held: Mutex::new(Held {
                messages: BTreeMap::new(),
                applied: HashSet::new(),
                unread_behind: Some(0),
                left_in_store: 0,
            }),
            arrivals: Notify::new(),
        };
        let by_name: Arc<HashMap<_, _>> = Arc::new(QUEUES.iter().map(|named| (named.name, queue())).collect());
        let queues = Arc::clone(&by_name);
        let forget = move |applied: &[(&'static str, u64)]| {
            for (queue, position) in applied {
                if let Some(queue) = queues.get(queue) {
                    queue.held.lock().applied.remove(position);
                }
            }
        };
        Ok(Self {
            removals: Removals::new(db.clone(), |tx, applied| Box::pin(delete(tx, applied)), forget),
            db,
            clock,
            next_position: AtomicU64::new(last.map_or(1, |row| read_position(row.position) + 1)),
            by_name,
        })
    }

    /// Returns the position of a message at the end of its queue.
    pub fn next_position(&self) -> u64 {
        self.next_position.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns true if `queue` takes a message into memory that is not in the store.
    pub fn takes_more(&self, queue: &str) -> bool {
        self.by_name.get(queue).is_some_and(|queue| queue.held.lock().takes_more())
    }

    /// Takes messages into memory, stored ones where there is room, and wakes their subscriptions.
    pub fn arrived(&self, arrivals: Vec<Arrival>) {
        for Arrival { queue, position, envelope, loan } in arrivals {
            let Some(queue) = self.by_name.get(queue) else { continue };
            let mut held = queue.held.lock();
            if loan.is_some() || held.takes_more() {
                held.insert(position, Message { envelope, attempts: 0, due: Timestamp::from_millis(0), loan });
            } else {
                held.leave_in_store(position);
            }
            drop(held);
            queue.arrivals.notify_one();
        }
    }

    /// Wakes the subscription of `queue` for a message that was stored at `position` and may be unreadable.
    pub fn stored(&self, queue: &str, position: u64) {
        if let Some(queue) = self.by_name.get(queue) {
            queue.held.lock().leave_in_store(position);
            queue.arrivals.notify_one();
        }
    }

    /// Wakes a subscription of `queue`.
    pub fn notify(&self, queue: &str) {
        if let Some(queue) = self.by_name.get(queue) {
            queue.arrivals.notify_one();
        }
    }

    /// Waits until a message arrives in `queue`.
    pub async fn arrival(&self, queue: &str) {
        match self.by_name.get(queue) {
            Some(queue) => queue.arrivals.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Returns the messages of `queue` that are due, oldest first and at most `max`. They stay in the queue.
    pub fn due(&self, queue: &str, max: usize) -> Vec<Delivery> {
        let now = self.clock.now();
        let Some(queue) = self.by_name.get(queue) else { return Vec::new() };
        let held = queue.held.lock();
        let due = held.messages.iter().filter(|(_, message)| message.due <= now).take(max);
        due.map(|(position, Message { envelope, attempts, .. })| Delivery {
            envelope: envelope.clone(),
            attempts: *attempts,
            tag: *position,
        })
        .collect()
    }

    /// Returns the time at which the first delayed message of `queue` is due.
    pub fn next_due(&self, queue: &str) -> Option<Timestamp> {
        let queue = self.by_name.get(queue)?;
        let held = queue.held.lock();
        held.messages.values().map(|message| message.due).min()
    }

    /// Delays the message at `position` of `queue`, after `attempts` that failed. Its row is stored already.
    pub fn delay(&self, queue: &str, position: u64, attempts: u32, due: Timestamp) {
        let Some(queue) = self.by_name.get(queue) else { return };
        let loan = queue.held.lock().messages.get_mut(&position).and_then(|message| {
            message.attempts = attempts;
            message.due = due;
            message.loan.take()
        });
        if let Some(loan) = loan {
            loan.settle();
        }
    }

    /// Removes a message of `queue`, whose row is removed already.
    pub fn forget(&self, queue: &str, position: u64) {
        let Some(queue) = self.by_name.get(queue) else { return };
        let removed = queue.held.lock().messages.remove(&position);
        if let Some(loan) = removed.and_then(|message| message.loan) {
            loan.settle();
        }
    }

    /// Removes messages of `queue` that were applied, and their rows a moment later.
    pub fn applied(&self, queue: &'static str, positions: &[u64]) {
        let Some(held) = self.by_name.get(queue).map(|queue| &queue.held) else { return };
        let mut loans = Vec::new();
        let mut stored = Vec::new();
        {
            let mut held = held.lock();
            for position in positions {
                if let Some(loan) = held.messages.remove(position).and_then(|message| message.loan) {
                    loans.push(loan);
                } else {
                    held.applied.insert(*position);
                    stored.push((queue, *position));
                }
            }
        }
        loans.into_iter().for_each(Loan::settle);
        self.removals.add(stored);
    }

    /// Waits until the rows of messages that were applied are removed.
    pub async fn finish_removals(&self) {
        self.removals.finish().await;
    }

    /// Reads messages of `queue` that are in the store alone, if there may be any. Returns those that are no events.
    pub async fn read_stored(&self, name: &str) -> Result<Vec<(Model, String)>, BusError> {
        let Some(queue) = self.by_name.get(name) else { return Ok(Vec::new()) };
        let (behind, left_before, known) = {
            let held = queue.held.lock();
            let Some(behind) = held.unread_behind else { return Ok(Vec::new()) };
            // As they are before the rows are read: one of them may be applied, and its row removed, meanwhile.
            let known: HashSet<u64> = held.messages.keys().chain(&held.applied).copied().collect();
            (behind, held.left_in_store, known)
        };
        let rows = Entity::find()
            .filter(Column::Queue.eq(name))
            .filter(Column::Position.gt(stored_position(behind)))
            .order_by_asc(Column::Position)
            .limit(READ)
            .all(self.db.reader())
            .await?;
        let mut unreadable = Vec::new();
        let mut held = queue.held.lock();
        let last = rows.last().map(|row| read_position(row.position));
        let are_all = u64::try_from(rows.len()).is_ok_and(|rows| rows < READ);
        // Otherwise a message was left in the store meanwhile, which these rows may lack.
        if held.left_in_store == left_before {
            held.unread_behind = if are_all { None } else { last };
        }
        for row in rows {
            let position = read_position(row.position);
            if known.contains(&position) {
                continue;
            }
            match serde_json::from_str(&row.envelope) {
                Ok(envelope) => {
                    let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
                    let due = Timestamp::from_millis(row.due_at);
                    held.insert(position, Message { envelope, attempts, due, loan: None });
                }
                Err(error) => unreadable.push((row, error.to_string())),
            }
        }
        Ok(unreadable)
    }

    /// Returns true if the store may have messages of `queue` that are not in memory.
    pub fn has_unread(&self, queue: &str) -> bool {
        self.by_name.get(queue).is_some_and(|queue| queue.held.lock().unread_behind.is_some())
    }

    /// Returns true if the store may have messages of `queue` that are not in memory, which has room for them.
    pub fn has_room(&self, queue: &str) -> bool {
        self.by_name.get(queue).is_some_and(|queue| {
            let held = queue.held.lock();
            held.unread_behind.is_some() && held.messages.len() < HELD
        })
    }
}

/// Returns a position as its row has it.
pub(super) fn stored_position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn read_position(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}

/// Returns the row of a new message.
pub(super) fn row(queue: &str, event_id: Uuid, position: u64, envelope: String) -> ActiveModel {
    ActiveModel {
        position: Set(stored_position(position)),
        queue: Set(queue.to_owned()),
        event_id: Set(event_id.to_string()),
        attempts: Set(0),
        due_at: Set(0),
        envelope: Set(envelope),
    }
}

async fn delete(tx: &Tx, applied: &[(&'static str, u64)]) -> Result<(), SqlError> {
    for applied in applied.chunks(ROWS_PER_STATEMENT) {
        let positions = applied.iter().map(|(_, position)| stored_position(*position));
        Entity::delete_many().filter(Column::Position.is_in(positions)).exec(tx).await?;
    }
    Ok(())
}

/// Inserts messages.
pub(super) async fn insert(tx: &Tx, rows: &[ActiveModel]) -> Result<(), SqlError> {
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        Entity::insert_many(rows.iter().cloned()).exec_without_returning(tx).await?;
    }
    Ok(())
}
