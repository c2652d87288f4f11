//! The bus of one process: durable queues in a SQLite file of their own.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use sea_orm::{
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::OnConflict,
};
use souk_events::{Envelope, QUEUES, Queue};
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{Clock, Timestamp, clock};
use tokio::sync::{Notify, broadcast};
use uuid::Uuid;

use crate::{
    BusError, DeadLetter, DeadLetterId, Delivery, Signal, Subscription, Transport, Verdict,
    migrations::LocalBus,
    tables::{bus_message, dead_letter},
};

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

    fn row(&self, queue: &str, envelope: &Envelope) -> Result<bus_message::ActiveModel, BusError> {
        Ok(bus_message::ActiveModel {
            queue: Set(queue.to_owned()),
            event_id: Set(envelope.id.to_string()),
            position: Set(self.0.next_position.fetch_add(1, Ordering::Relaxed)),
            attempts: Set(0),
            due_at: Set(0),
            envelope: Set(serde_json::to_string(envelope)?),
        })
    }
}

#[async_trait::async_trait]
impl Transport for LocalTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        let mut rows = Vec::new();
        let mut woken = Vec::new();
        for envelope in envelopes {
            for queue in QUEUES.iter().filter(|queue| queue.binds.contains(&envelope.event_type.as_str())) {
                rows.push(self.row(queue.name, envelope)?);
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
        Ok(Box::new(LocalSubscription { bus: self.clone(), queue }))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(self.0.db.ping().await?)
    }

    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        let mut query = dead_letter::Entity::find().order_by_desc(dead_letter::Column::DiedAt);
        if let Some(service) = service {
            query = query.filter(dead_letter::Column::Queue.starts_with(format!("{service}.")));
        }
        query.all(self.0.db.reader()).await?.into_iter().map(read_letter).collect()
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        let row = dead_letter::Entity::find_by_id(id.to_string()).one(self.0.db.reader()).await?;
        row.map(read_letter).transpose()?.ok_or_else(|| BusError::NoSuchDeadLetter(id.to_string()))
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        let letter = self.dead_letter(id).await?;
        let row = self.row(&letter.queue, &letter.envelope)?;
        let moved = self
            .0
            .db
            .write((id.to_string(), row), |tx, (id, row)| {
                Box::pin(async move {
                    let gone = dead_letter::Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected;
                    if gone == 1 {
                        insert(tx, std::slice::from_ref(row)).await?;
                    }
                    Ok::<_, SqlError>(gone == 1)
                })
            })
            .await?;
        if !moved {
            return Err(BusError::NoSuchDeadLetter(id.to_string()));
        }
        self.arrived(&letter.queue);
        Ok(())
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        let gone = self
            .0
            .db
            .write(id.to_string(), |tx, id| {
                Box::pin(async move {
                    Ok::<_, SqlError>(dead_letter::Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected)
                })
            })
            .await?;
        if gone == 1 { Ok(()) } else { Err(BusError::NoSuchDeadLetter(id.to_string())) }
    }
}

fn read_letter(row: dead_letter::Model) -> Result<DeadLetter, BusError> {
    Ok(DeadLetter {
        dead_letter_id: row.dead_letter_id.parse()?,
        queue: row.queue,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        error: row.error,
        died_at: Timestamp::from_millis(row.died_at),
        envelope: serde_json::from_str(&row.envelope)?,
    })
}

/// Adds messages; one that its queue holds already is left as it is.
async fn insert(tx: &Tx, rows: &[bus_message::ActiveModel]) -> Result<(), SqlError> {
    use bus_message::Column;
    for rows in rows.chunks(ROWS) {
        let unless_there = OnConflict::columns([Column::Queue, Column::EventId]).do_nothing().to_owned();
        bus_message::Entity::insert_many(rows.iter().cloned())
            .on_conflict(unless_there)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

struct LocalSubscription {
    bus: LocalTransport,
    queue: &'static Queue,
}

impl LocalSubscription {
    /// Waits for an arrival, or for the earliest held-back message to be due.
    async fn wait(&self) -> Result<(), BusError> {
        use bus_message::Column;
        let earliest = bus_message::Entity::find()
            .filter(Column::Queue.eq(self.queue.name))
            .order_by_asc(Column::DueAt)
            .one(self.bus.0.db.reader())
            .await?;
        let arrival = async {
            match self.bus.0.arrivals.get(self.queue.name) {
                Some(arrivals) => arrivals.notified().await,
                None => std::future::pending().await,
            }
        };
        let due = async {
            match earliest {
                Some(row) => clock::sleep_until(&*self.bus.0.clock, Timestamp::from_millis(row.due_at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = arrival => {}, () = due => {} }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        use bus_message::Column;
        loop {
            let rows = bus_message::Entity::find()
                .filter(Column::Queue.eq(self.queue.name))
                .filter(Column::DueAt.lte(self.bus.0.clock.now().millis()))
                .order_by_asc(Column::Position)
                .limit(u64::try_from(max).unwrap_or(1))
                .all(self.bus.0.db.reader())
                .await?;
            if !rows.is_empty() {
                return rows
                    .into_iter()
                    .map(|row| {
                        Ok(Delivery {
                            envelope: serde_json::from_str(&row.envelope)?,
                            attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
                        })
                    })
                    .collect();
            }
            self.wait().await?;
        }
    }

    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError> {
        let now = self.bus.0.clock.now();
        let queue = self.queue.name;
        self.bus.0.db.write(verdicts, move |tx, verdicts| Box::pin(settle(tx, queue, verdicts, now))).await?;
        Ok(())
    }
}

async fn settle(
    tx: &Tx,
    queue: &'static str,
    verdicts: &[(Delivery, Verdict)],
    now: Timestamp,
) -> Result<(), SqlError> {
    use bus_message::{Column, Entity};
    let done: Vec<String> = verdicts
        .iter()
        .filter(|(_, verdict)| !matches!(verdict, Verdict::Retry { .. }))
        .map(|(delivery, _)| delivery.envelope.id.to_string())
        .collect();
    if !done.is_empty() {
        Entity::delete_many().filter(Column::Queue.eq(queue)).filter(Column::EventId.is_in(done)).exec(tx).await?;
    }
    for (delivery, verdict) in verdicts {
        match verdict {
            Verdict::Ack => {}
            Verdict::Retry { after } => hold_back(tx, queue, delivery, now.plus(*after)).await?,
            Verdict::Dead { error } => bury(tx, queue, delivery, error, now).await?,
        }
    }
    Ok(())
}

async fn hold_back(tx: &Tx, queue: &str, delivery: &Delivery, due: Timestamp) -> Result<(), SqlError> {
    let key = (queue.to_owned(), delivery.envelope.id.to_string());
    if let Some(row) = bus_message::Entity::find_by_id(key).one(tx).await? {
        let mut row = row.into_active_model();
        row.attempts = Set(i64::from(delivery.attempts) + 1);
        row.due_at = Set(due.millis());
        bus_message::Entity::update(row).exec(tx).await?;
    }
    Ok(())
}

async fn bury(tx: &Tx, queue: &str, delivery: &Delivery, error: &str, now: Timestamp) -> Result<(), SqlError> {
    use dead_letter::Column;
    let letter = dead_letter::ActiveModel {
        dead_letter_id: Set(letter_id(queue, delivery.envelope.id).to_string()),
        queue: Set(queue.to_owned()),
        attempts: Set(i64::from(delivery.attempts) + 1),
        error: Set(error.to_owned()),
        died_at: Set(now.millis()),
        envelope: Set(serde_json::to_string(&delivery.envelope).map_err(|error| SqlError::Failed(error.to_string()))?),
    };
    // Published again after it was put aside, it may fail again: the same letter, with the newest error.
    let again = OnConflict::column(Column::DeadLetterId)
        .update_columns([Column::Attempts, Column::Error, Column::DiedAt])
        .to_owned();
    dead_letter::Entity::insert(letter).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}

/// One letter per queue and event: the event's id with the queue's name folded in.
fn letter_id(queue: &str, event: Uuid) -> Uuid {
    let fold = |id: u128, byte: u8| id.rotate_left(5) ^ u128::from(byte);
    Uuid::from_u128(event.as_u128() ^ queue.bytes().fold(0, fold))
}

/// How long a message that failed `attempts` times before is held back: 0.2 s, doubling, at most a minute.
#[must_use]
pub(crate) fn back_off(attempts: u32) -> Duration {
    Duration::from_millis(200).saturating_mul(2_u32.saturating_pow(attempts)).min(Duration::from_secs(60))
}
