//! A consumer's hold on one of the local bus's queues.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::Queue;
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, clock};

use super::{
    LocalTransport,
    letters::{self, Burial},
};
use crate::{
    BusError, Delivery, Subscription, Verdict,
    tables::bus_message::{Column, Entity, Model},
};

pub(super) struct LocalSubscription {
    bus: LocalTransport,
    queue: &'static Queue,
}

impl LocalSubscription {
    pub(super) fn new(bus: LocalTransport, queue: &'static Queue) -> Self {
        Self { bus, queue }
    }

    /// Waits for an arrival, or for the earliest held-back message to be due.
    async fn wait(&self) -> Result<(), BusError> {
        let earliest = Entity::find()
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

    /// Puts aside what cannot be read, so that it does not stop the queue.
    async fn put_aside(&self, poison: Vec<(Model, String)>) -> Result<(), BusError> {
        let now = self.bus.0.clock.now();
        self.bus.0.db.write(poison, move |tx, poison| Box::pin(bury_rows(tx, poison, now))).await?;
        Ok(())
    }
}

impl Drop for LocalSubscription {
    /// It may have been woken for messages that it did not take any more: whoever waits beside it looks instead.
    fn drop(&mut self) {
        self.bus.arrived(self.queue.name);
    }
}

#[async_trait::async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let rows = Entity::find()
                .filter(Column::Queue.eq(self.queue.name))
                .filter(Column::DueAt.lte(self.bus.0.clock.now().millis()))
                .order_by_asc(Column::Position)
                .limit(u64::try_from(max).unwrap_or(1))
                .all(self.bus.0.db.reader())
                .await?;
            let nothing_is_due = rows.is_empty();
            let (mut deliveries, mut poison) = (Vec::with_capacity(rows.len()), Vec::new());
            for row in rows {
                let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
                match serde_json::from_str(&row.envelope) {
                    Ok(envelope) => deliveries.push(Delivery { envelope, attempts, tag: 0 }),
                    Err(error) => poison.push((row, error.to_string())),
                }
            }
            if !poison.is_empty() {
                let messages = poison.len();
                tracing::error!(queue = self.queue.name, messages, "messages that are no events are dead letters now");
                self.put_aside(poison).await?;
            }
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
            if nothing_is_due {
                self.wait().await?;
            }
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
    let done: Vec<String> = verdicts
        .iter()
        .filter(|(_, verdict)| matches!(verdict, Verdict::Ack | Verdict::Dead { .. }))
        .map(|(delivery, _)| delivery.envelope.id.to_string())
        .collect();
    if !done.is_empty() {
        Entity::delete_many().filter(Column::Queue.eq(queue)).filter(Column::EventId.is_in(done)).exec(tx).await?;
    }
    for (delivery, verdict) in verdicts {
        match verdict {
            // A message that is postponed is still in its queue.
            Verdict::Ack | Verdict::Postpone => {}
            Verdict::Retry { after } => hold_back(tx, queue, delivery, now.plus(*after)).await?,
            Verdict::Dead { error } => {
                let envelope = serde_json::to_string(&delivery.envelope);
                let burial = Burial {
                    queue,
                    event_id: delivery.envelope.id,
                    attempts: delivery.attempts.saturating_add(1),
                    error,
                    body: envelope.map_err(|error| SqlError::Failed(error.to_string()))?,
                };
                letters::bury(tx, burial, now).await?;
            }
        }
    }
    Ok(())
}

async fn hold_back(tx: &Tx, queue: &str, delivery: &Delivery, due: Timestamp) -> Result<(), SqlError> {
    let key = (queue.to_owned(), delivery.envelope.id.to_string());
    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
        let mut row = row.into_active_model();
        row.attempts = Set(i64::from(delivery.attempts) + 1);
        row.due_at = Set(due.millis());
        Entity::update(row).exec(tx).await?;
    }
    Ok(())
}

async fn bury_rows(tx: &Tx, poison: &[(Model, String)], now: Timestamp) -> Result<(), SqlError> {
    for (row, error) in poison {
        Entity::delete_by_id((row.queue.clone(), row.event_id.clone())).exec(tx).await?;
        let burial = Burial {
            queue: &row.queue,
            event_id: row.event_id.parse().unwrap_or_default(),
            attempts: 1,
            error,
            body: row.envelope.clone(),
        };
        letters::bury(tx, burial, now).await?;
    }
    Ok(())
}
