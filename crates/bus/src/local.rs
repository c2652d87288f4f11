//! The transport within one process: durable queues.
//!
//! An event is on disk in the outbox of its service, whose file belongs to the same process. So its rows stay there until
//! every queue has applied it, and a message of a queue is stored once more only where it has to outlive that: when it is
//! to be retried later, when it is a dead letter, or when more of them wait than memory should hold. These have a SQLite file
//! of their own.

mod letters;
mod loan;
mod queues;
mod subscription;

use std::sync::Arc;

use sea_orm::{EntityTrait, QueryOrder, QuerySelect};
use souk_events::{Envelope, QUEUES, Queue};
use souk_sql::Access;
use souk_values::{Clock, Page, PageRequest};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    Announcement, BusError, DeadLetter, DeadLetterId, Keeper, Lent, Signal, Subscription, Transport, UnreadableEvent,
    dead_letters::{is_outbox, outbox_name},
    tables::bus_message::{Column, Entity},
};

use loan::Loan;
use queues::{Arrival, Queues};
use subscription::LocalSubscription;

/// The transport within one process. Cloning shares it.
#[derive(Debug, Clone)]
pub struct LocalTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queues: Arc<Queues>,
    signals: broadcast::Sender<Signal>,
    announcements: broadcast::Sender<Announcement>,
}

impl LocalTransport {
    /// Opens the bus's file at `url` (`sqlite:PATH`) with the messages that are still in its queues.
    pub async fn open(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        Ok(Self(Arc::new(Inner {
            queues: Arc::new(Queues::open(url, access, clock).await?),
            signals: broadcast::Sender::new(1_024),
            announcements: broadcast::Sender::new(64),
        })))
    }

    /// Returns the oldest messages in queues, at most `limit`, for the audit.
    pub async fn queued(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let rows = Entity::find().order_by_asc(Column::Position).limit(limit).all(self.0.queues.db.reader()).await?;
        rows.iter().map(|row| Ok(serde_json::from_str(&row.envelope)?)).collect()
    }
}

impl LocalTransport {
    /// Delivers events to the queues bound to their types: without a copy on disk where `keeper` has one and the queue has room
    /// in memory.
    async fn deliver(&self, envelopes: &[Envelope], keeper: Option<&Arc<dyn Keeper>>) -> Result<Lent, BusError> {
        let Inner { queues, signals, .. } = &*self.0;
        let mut rows = Vec::new();
        let mut arrivals = Vec::new();
        let mut lent = Lent::default();
        for envelope in envelopes {
            let bound = QUEUES.iter().filter(|queue| queue.binds.contains(&envelope.event_type.as_str()));
            let (in_memory, on_disk): (Vec<_>, Vec<_>) =
                bound.map(|queue| queue.name).partition(|queue| keeper.is_some() && queues.takes_more(queue));
            let body = if on_disk.is_empty() { String::new() } else { serde_json::to_string(envelope)? };
            for queue in on_disk {
                let position = queues.next_position();
                rows.push(queues::row(queue, envelope.id, position, body.clone()));
                arrivals.push(Arrival { queue, position, envelope: envelope.clone(), loan: None });
            }
            if in_memory.is_empty() { &mut lent.confirmed } else { &mut lent.kept }.push(envelope.id);
            let loans = keeper.map(|keeper| Loan::of(envelope.id, keeper, in_memory.len())).unwrap_or_default();
            for (queue, loan) in in_memory.into_iter().zip(loans) {
                let position = queues.next_position();
                arrivals.push(Arrival { queue, position, envelope: envelope.clone(), loan: Some(loan) });
            }
        }
        if !rows.is_empty() {
            queues.db.write(rows, |tx, rows| Box::pin(queues::insert(tx, rows))).await?;
        }
        queues.arrived(arrivals);
        for envelope in envelopes {
            // Fails if there is no receiver, which is fine.
            let _ = signals.send(Signal { event_type: envelope.event_type.clone(), subject: envelope.subject.clone() });
        }
        Ok(lent)
    }
}

#[async_trait::async_trait]
impl Transport for LocalTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        Ok(self.deliver(envelopes, None).await?.confirmed)
    }

    async fn lend(&self, envelopes: &[Envelope], keeper: &Arc<dyn Keeper>) -> Result<Lent, BusError> {
        self.deliver(envelopes, Some(keeper)).await
    }

    async fn bury(&self, service: &str, events: &[UnreadableEvent]) -> Result<(), BusError> {
        let queues = &self.0.queues;
        let now = queues.clock.now();
        let burial = (outbox_name(service), events.to_vec());
        queues.db.write(burial, move |tx, (outbox, events)| Box::pin(letters::bury(tx, outbox, events, now))).await?;
        Ok(())
    }

    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        Ok(Box::new(LocalSubscription::new(Arc::clone(&self.0.queues), queue)))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        // Fails if there is no receiver, which is fine.
        let _ = self.0.announcements.send(announcement);
        Ok(())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(self.0.queues.db.ping().await?)
    }

    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        letters::list(&self.0.queues.db, service).await
    }

    async fn dead_letter_page(
        &self,
        service: Option<&str>,
        request: PageRequest,
    ) -> Result<Page<DeadLetter>, BusError> {
        letters::page(&self.0.queues.db, service, request).await
    }

    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        letters::count(&self.0.queues.db, queues).await
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        letters::read(letters::row(&self.0.queues.db, id).await?)
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        let queues = &self.0.queues;
        let letter = letters::row(&queues.db, id).await?;
        if is_outbox(&letter.queue) {
            let envelope: Envelope =
                serde_json::from_str(&letter.envelope).map_err(|_| BusError::StillUnreadable(id.to_string()))?;
            self.publish(&[envelope]).await?;
            return letters::discard(&queues.db, id).await;
        }
        let event_id = serde_json::from_str::<Envelope>(&letter.envelope).map_or(id.0, |envelope| envelope.id);
        let position = queues.next_position();
        let row = queues::row(&letter.queue, event_id, position, letter.envelope);
        letters::replay(&queues.db, id, row).await?;
        queues.stored(&letter.queue, position);
        Ok(())
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::discard(&self.0.queues.db, id).await
    }
}
