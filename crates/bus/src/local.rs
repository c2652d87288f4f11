//! The bus of one process: durable queues in a SQLite file of their own.

mod letters;
mod subscription;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sea_orm::{EntityTrait, QueryOrder, Set};
use souk_events::{Envelope, QUEUES, Queue};
use souk_sql::{Access, Db, SqlError, Tx, insert_unless_there};
use souk_values::Clock;
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::{
    Announcement, BusError, DeadLetter, DeadLetterId, Signal, Subscription, Transport, migrations::LocalBus,
    tables::bus_message,
};

use subscription::LocalSubscription;

/// Rows in one INSERT; keeps below SQLite's limit of bound values.
const ROWS: usize = 500;

/// The in-process transport. Cloning shares it.
#[derive(Debug, Clone)]
pub struct LocalTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    next_position: AtomicI64,
    arrivals: HashMap<&'static str, Notify>,
    signals: broadcast::Sender<Signal>,
    announcements: broadcast::Sender<Announcement>,
}

impl LocalTransport {
    /// Opens the bus's file at `url` (`sqlite:PATH`), with what was left in its queues.
    pub async fn open(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let db = Db::open(url, access).await?;
        if access == Access::ReadWrite {
            db.migrate::<LocalBus>().await?;
        }
        let last = bus_message::Entity::find().order_by_desc(bus_message::Column::Position).one(db.reader()).await?;
        Ok(Self(Arc::new(Inner {
            db,
            clock,
            next_position: AtomicI64::new(last.map_or(1, |row| row.position + 1)),
            arrivals: QUEUES.iter().map(|queue| (queue.name, Notify::new())).collect(),
            signals: broadcast::Sender::new(1_024),
            announcements: broadcast::Sender::new(64),
        })))
    }

    /// Everything that waits in queues, for the audit.
    pub async fn queued(&self) -> Result<Vec<Envelope>, BusError> {
        let rows = bus_message::Entity::find().all(self.0.db.reader()).await?;
        rows.iter().map(|row| Ok(serde_json::from_str(&row.envelope)?)).collect()
    }

    fn arrived(&self, queue: &str) {
        if let Some(arrivals) = self.0.arrivals.get(queue) {
            arrivals.notify_one();
        }
    }

    fn row(&self, queue: &str, event_id: Uuid, envelope: String) -> bus_message::ActiveModel {
        bus_message::ActiveModel {
            queue: Set(queue.to_owned()),
            event_id: Set(event_id.to_string()),
            position: Set(self.0.next_position.fetch_add(1, Ordering::Relaxed)),
            attempts: Set(0),
            due_at: Set(0),
            envelope: Set(envelope),
        }
    }
}

#[async_trait::async_trait]
impl Transport for LocalTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        let mut rows = Vec::new();
        let mut woken = Vec::new();
        for envelope in envelopes {
            for queue in QUEUES.iter().filter(|queue| queue.binds.contains(&envelope.event_type.as_str())) {
                rows.push(self.row(queue.name, envelope.id, serde_json::to_string(envelope)?));
                woken.push(queue.name);
            }
        }
        self.0.db.write(rows, |tx, rows| Box::pin(insert(tx, rows))).await?;
        woken.sort_unstable();
        woken.dedup();
        for queue in woken {
            self.arrived(queue);
        }
        for envelope in envelopes {
            // Nobody may be listening, which is fine.
            let _ = self
                .0
                .signals
                .send(Signal { event_type: envelope.event_type.clone(), subject: envelope.subject.clone() });
        }
        Ok(envelopes.iter().map(|envelope| envelope.id).collect())
    }

    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        Ok(Box::new(LocalSubscription::new(self.clone(), queue)))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        // Nobody may be listening, which is fine.
        let _ = self.0.announcements.send(announcement);
        Ok(())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(self.0.db.ping().await?)
    }

    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        letters::list(&self.0.db, service).await
    }

    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        letters::count(&self.0.db, queues).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        letters::read(letters::row(&self.0.db, id).await?)
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        let letter = letters::row(&self.0.db, id).await?;
        let event_id = serde_json::from_str::<Envelope>(&letter.envelope).map_or(id.0, |envelope| envelope.id);
        let row = self.row(&letter.queue, event_id, letter.envelope);
        letters::replay(&self.0.db, id, row).await?;
        self.arrived(&letter.queue);
        Ok(())
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::discard(&self.0.db, id).await
    }
}

/// Adds messages; one that its queue holds already is left as it is.
async fn insert(tx: &Tx, rows: &[bus_message::ActiveModel]) -> Result<(), SqlError> {
    for rows in rows.chunks(ROWS) {
        insert_unless_there(tx, rows.iter().cloned()).await?;
    }
    Ok(())
}
