//! A subscription to one queue of the local bus.

use std::sync::Arc;

use sea_orm::{EntityTrait, Set};
use souk_events::Queue;
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, clock};

use super::{
    letters::{self, NewLetter},
    queues::{self, Queues, stored_position},
};
use crate::{
    BusError, Delivery, Subscription, Verdict,
    dead_letters::id_of_body,
    tables::bus_message::{Entity, Model},
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
    async fn wait(&self) {
        let due = async {
            match self.queues.next_due(self.queue.name) {
                Some(due) => clock::sleep_until(&*self.queues.clock, due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! { () = self.queues.arrival(self.queue.name) => {}, () = due => {} }
    }

    /// Takes messages that are in the store alone into memory.
    async fn read_stored(&self) -> Result<(), BusError> {
        let unreadable = self.queues.read_stored(self.queue.name).await?;
        if !unreadable.is_empty() {
            let messages = unreadable.len();
            tracing::error!(queue = self.queue.name, messages, "messages that are no events became dead letters");
            self.remove_unreadable(unreadable).await?;
        }
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
        let queue = self.queue.name;
        loop {
            let mut due = self.queues.due(queue, max);
            // A backlog in the store may be longer than one read.
            while due.len() < max && self.queues.has_room(queue) {
                let before = due.len();
                self.read_stored().await?;
                due = self.queues.due(queue, max);
                if due.len() == before {
                    break;
                }
            }
            if !due.is_empty() {
                return Ok(due);
            }
            if self.queues.has_unread(queue) {
                // All that are in memory are delayed.
                self.read_stored().await?;
            } else {
                self.wait().await;
            }
        }
    }

    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError> {
        let (queue, now) = (self.queue.name, self.queues.clock.now());
        let (applied, others): (Vec<_>, Vec<_>) =
            verdicts.into_iter().partition(|(_, verdict)| matches!(verdict, Verdict::Ack));
        let applied: Vec<u64> = applied.into_iter().map(|(delivery, _)| delivery.tag).collect();
        self.queues.applied(queue, &applied);
        if others.is_empty() {
            return Ok(());
        }
        let others = Arc::new(others);
        let stored = Arc::clone(&others);
        self.queues.db.write(stored, move |tx, others| Box::pin(settle(tx, queue, others, now))).await?;
        for (delivery, verdict) in &*others {
            match verdict {
                Verdict::Retry { after } => {
                    self.queues.delay(queue, delivery.tag, delivery.attempts.saturating_add(1), now.plus(*after));
                }
                Verdict::Dead { .. } => self.queues.forget(queue, delivery.tag),
                // A postponed message has never left its queue.
                Verdict::Ack | Verdict::Postpone => {}
            }
        }
        Ok(())
    }

    async fn finish(&mut self) {
        self.queues.finish_removals().await;
    }
}

/// Stores the verdicts on messages that were not applied.
async fn settle(
    tx: &Tx,
    queue: &'static str,
    verdicts: &[(Delivery, Verdict)],
    now: Timestamp,
) -> Result<(), SqlError> {
    for (delivery, verdict) in verdicts {
        match verdict {
            Verdict::Ack | Verdict::Postpone => {}
            Verdict::Retry { after } => delay(tx, queue, delivery, now.plus(*after)).await?,
            Verdict::Dead { error } => {
                Entity::delete_by_id(stored_position(delivery.tag)).exec(tx).await?;
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

/// Stores a message, on loan until now or not, with its attempts and the time of the next one.
async fn delay(tx: &Tx, queue: &str, delivery: &Delivery, due: Timestamp) -> Result<(), SqlError> {
    let Delivery { envelope, attempts, tag } = delivery;
    let body = serde_json::to_string(envelope).map_err(|error| SqlError::Failed(error.to_string()))?;
    let mut row = queues::row(queue, envelope.id, *tag, body);
    row.attempts = Set(i64::from(*attempts) + 1);
    row.due_at = Set(due.millis());
    Entity::delete_by_id(stored_position(*tag)).exec(tx).await?;
    queues::insert(tx, &[row]).await
}

async fn move_to_letters(tx: &Tx, rows: &[(Model, String)], now: Timestamp) -> Result<(), SqlError> {
    for (row, error) in rows {
        Entity::delete_by_id(row.position).exec(tx).await?;
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
