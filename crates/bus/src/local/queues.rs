//! The durable queues of the local bus: their store, and the notification of arrivals.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sea_orm::{EntityTrait, QueryOrder, Set};
use souk_events::QUEUES;
use souk_sql::{Access, Db, SqlError, Tx, insert_or_ignore};
use souk_values::Clock;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    BusError,
    migrations::LocalBus,
    tables::bus_message::{ActiveModel, Column, Entity},
};

/// Maximum number of rows per INSERT, which keeps it below SQLite's limit of bound values.
const ROWS_PER_INSERT: usize = 500;

#[derive(Debug)]
pub(super) struct Queues {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    next_position: AtomicI64,
    arrivals: HashMap<&'static str, Notify>,
}

impl Queues {
    pub async fn open(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<LocalBus>().await?;
        }
        let last = Entity::find().order_by_desc(Column::Position).one(db.reader()).await?;
        Ok(Self {
            db,
            clock,
            next_position: AtomicI64::new(last.map_or(1, |row| row.position + 1)),
            arrivals: QUEUES.iter().map(|queue| (queue.name, Notify::new())).collect(),
        })
    }

    /// Returns the row of a new message at the end of `queue`.
    pub fn row(&self, queue: &str, event_id: Uuid, envelope: String) -> ActiveModel {
        ActiveModel {
            queue: Set(queue.to_owned()),
            event_id: Set(event_id.to_string()),
            position: Set(self.next_position.fetch_add(1, Ordering::Relaxed)),
            attempts: Set(0),
            due_at: Set(0),
            envelope: Set(envelope),
        }
    }

    /// Wakes a subscription of `queue`.
    pub fn notify(&self, queue: &str) {
        if let Some(arrivals) = self.arrivals.get(queue) {
            arrivals.notify_one();
        }
    }

    /// Waits until a message arrives in `queue`.
    pub async fn arrival(&self, queue: &str) {
        match self.arrivals.get(queue) {
            Some(arrivals) => arrivals.notified().await,
            None => std::future::pending().await,
        }
    }
}

/// Inserts messages. One that its queue holds already stays unchanged.
pub(super) async fn insert(tx: &Tx, rows: &[ActiveModel]) -> Result<(), SqlError> {
    for rows in rows.chunks(ROWS_PER_INSERT) {
        insert_or_ignore(tx, rows.iter().cloned()).await?;
    }
    Ok(())
}
