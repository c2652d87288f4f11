//! A subscription to one queue of the local bus.

use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_events::Queue;
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, clock};
use std::sync::Arc;

use super::{
    letters::{self, NewLetter},
    queues::Queues,
};
use crate::{
    BusError, Delivery, Subscription, Verdict,
    dead_letters::id_of_body,
    tables::bus_message::{Column, Entity, Model},
};

pub(super) struct LocalSubscription {
    queues: Arc<Queues>,
    queue: &'static Queue,
}

impl LocalSubscription {
    pub(super) fn new(queues: Arc<Queues>, queue: &'static Queue) -> Self {
        Self { queues, queue }
    }

    /// Waits for an arrival, or until the earliest delayed message is due.
    async fn wait(&self) -> Result<(), BusError> {
        let earliest = Entity::find()
            .filter(Column::Queue.eq(self.queue.name))
            .order_by_asc(Column::DueAt)
            .one(self.queues.db.reader())
            .await?;
        let due = async {
            match earliest {
                Some(row) => clock::sleep_until(&*self.queues.clock, Timestamp::from_millis(row.due_at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = self.queues.arrival(self.queue.name) => {}, () = due => {} }
        Ok(())
    }

    /// Turns unreadable messages into dead letters, so that they do not block the queue.
    async fn remove_unreadable(&self, unreadable: Vec<(Model, String)>) -> Result<(), BusError> {
        let now = self.queues.clock.now();
        self.queues.db.write(unreadable, move |tx, rows| Box::pin(move_to_letters(tx, rows, now))).await?;
        Ok(())
    }
}

impl Drop for LocalSubscription {
    /// Passes its wake-up on to another subscription of the queue, since it may have been woken for messages that it will
    /// not take.
    fn drop(&mut self) {
        self.queues.notify(self.queue.name);
    }
}

#[async_trait::async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let rows = Entity::find()
                .filter(Column::Queue.eq(self.queue.name))
                .filter(Column::DueAt.lte(self.queues.clock.now().millis()))
                .order_by_asc(Column::Position)
                .limit(u64::try_from(max).unwrap_or(1))
                .all(self.queues.db.reader())
                .await?;
            let nothing_is_due = rows.is_empty();
            let mut deliveries = Vec::with_capacity(rows.len());
            let mut unreadable = Vec::new();
            for row in rows {
                let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
                match serde_json::from_str(&row.envelope) {
                    Ok(envelope) => deliveries.push(Delivery { envelope, attempts, tag: 0 }),
                    Err(error) => unreadable.push((row, error.to_string())),
                }
            }
            if !unreadable.is_empty() {
                let messages = unreadable.len();
                tracing::error!(queue = self.queue.name, messages, "messages that are no events became dead letters");
                self.remove_unreadable(unreadable).await?;
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
        let now = self.queues.clock.now();
        let queue = self.queue.name;
        self.queues.db.write(verdicts, move |tx, verdicts| Box::pin(settle(tx, queue, verdicts, now))).await?;
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
            // A postponed message has never left its queue.
            Verdict::Ack | Verdict::Postpone => {}
            Verdict::Retry { after } => delay(tx, queue, delivery, now.plus(*after)).await?,
            Verdict::Dead { error } => {
                let envelope = serde_json::to_string(&delivery.envelope);
                let letter = NewLetter {
                    queue,
                    event_id: delivery.envelope.id,
                    attempts: delivery.attempts.saturating_add(1),
                    error,
                    body: envelope.map_err(|error| SqlError::Failed(error.to_string()))?,
                };
                letters::insert(tx, letter, now).await?;
            }
        }
    }
    Ok(())
}

async fn delay(tx: &Tx, queue: &str, delivery: &Delivery, due: Timestamp) -> Result<(), SqlError> {
    let key = (queue.to_owned(), delivery.envelope.id.to_string());
    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
        let mut row = row.into_active_model();
        row.attempts = Set(i64::from(delivery.attempts) + 1);
        row.due_at = Set(due.millis());
        Entity::update(row).exec(tx).await?;
    }
    Ok(())
}

async fn move_to_letters(tx: &Tx, rows: &[(Model, String)], now: Timestamp) -> Result<(), SqlError> {
    for (row, error) in rows {
        Entity::delete_by_id((row.queue.clone(), row.event_id.clone())).exec(tx).await?;
        let letter = NewLetter {
            queue: &row.queue,
            event_id: row.event_id.parse().unwrap_or_else(|_| id_of_body(row.envelope.as_bytes())),
            attempts: 1,
            error,
            body: row.envelope.clone(),
        };
        letters::insert(tx, letter, now).await?;
    }
    Ok(())
}
