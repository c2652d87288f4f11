//! Publishes batches with publisher confirms: sends all messages, then waits for all confirms within a time limit.

use std::{collections::HashSet, fmt, future::Future, pin::Pin, sync::Arc, task::Poll};

use futures::poll;
use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use super::{
    connection::BrokerConnection,
    message::Outgoing,
    replies::{NOT_FOUND, REPLY_TIMEOUT, Refusal, in_time, short},
};
use crate::BusError;

/// Maximum number of idle channels kept for later batches.
const MAX_IDLE: usize = 4;

type Confirming<'a> = Pin<Box<dyn Future<Output = Result<Confirmation, Refusal>> + Send + 'a>>;

/// Publishes on one connection.
pub(super) struct Publisher {
    connection: Arc<BrokerConnection>,
    /// Idle channels. Every batch uses a channel exclusively, because the client attaches a returned message to any later
    /// confirm of the same channel.
    idle: Mutex<Vec<Channel>>,
    /// Notified when an exchange or a queue was missing.
    incomplete: Arc<Notify>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// The result of sending a batch.
struct Sent {
    /// For each message, true if the broker has it on disk in all of its queues.
    confirmed: Vec<bool>,
    /// Reason for the last message that was not confirmed.
    refusal: Option<Refusal>,
    /// False if messages of the batch may still be in transit.
    is_over: bool,
}

impl Publisher {
    pub(super) fn new(connection: Arc<BrokerConnection>, incomplete: Arc<Notify>) -> Self {
        Self { connection, idle: Mutex::default(), incomplete }
    }

    /// Publishes `messages` in order, and returns for each true if the broker has confirmed it. Errors: the broker has
    /// confirmed none, for another reason than that no queue is bound.
    pub(super) async fn publish(&self, messages: &[Outgoing]) -> Result<Vec<bool>, BusError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        // The broker does not read from a blocked connection, so that the batch would only time out.
        if let Some(reason) = self.connection.blocked() {
            return Err(blocked_error(&reason));
        }
        let channel = self.take().await?;
        let Sent { confirmed, refusal, is_over } = self.send(&channel, messages).await;
        if !is_over {
            self.retire(channel);
        } else if channel.status().connected() {
            self.release(channel);
        }
        match refusal {
            Some(refusal) if !confirmed.contains(&true) => Err(refusal.into()),
            Some(refusal) => {
                tracing::warn!(error = refusal.text, "the broker confirmed a part of a batch only");
                Ok(confirmed)
            }
            None => Ok(confirmed),
        }
    }

    async fn send(&self, channel: &Channel, messages: &[Outgoing]) -> Sent {
        let deadline = Instant::now() + REPLY_TIMEOUT;
        let mut publishes: Vec<Publish<'_>> = Vec::with_capacity(messages.len());
        for message in messages {
            let mut confirming: Confirming<'_> = Box::pin(publish_one(channel, message));
            // The first poll hands the message to the client, which keeps the order; the confirm comes later.
            publishes.push(match poll!(confirming.as_mut()) {
                Poll::Ready(result) => Publish::Done(Box::new(result)),
                Poll::Pending => Publish::Confirming(confirming),
            });
        }
        let mut confirms = Confirms::default();
        let mut acknowledged = Vec::with_capacity(messages.len());
        let mut interrupted = None;
        for (publish, message) in publishes.into_iter().zip(messages) {
            let was_sent = matches!(&publish, Publish::Confirming(_));
            let result = match (publish, &interrupted) {
                (Publish::Done(result), _) => *result,
                // Does not wait any more, but takes the confirms that have arrived.
                (Publish::Confirming(mut confirming), Some(reason)) => match poll!(confirming.as_mut()) {
                    Poll::Ready(result) => result,
                    Poll::Pending => Err(Refusal::clone(reason)),
                },
                (Publish::Confirming(confirming), None) => tokio::select! {
                    result = confirming => result,
                    reason = self.interruption(deadline) => {
                        interrupted = Some(reason.clone());
                        Err(reason)
                    }
                },
            };
            confirms.is_broken_off |= was_sent && result.is_err();
            acknowledged.push(confirms.record(message, result));
        }
        if confirms.is_topology_incomplete {
            self.incomplete.notify_one();
        }
        let confirmed = messages
            .iter()
            .zip(acknowledged)
            .map(|(message, is_acknowledged)| is_acknowledged && confirms.is_routed(message))
            .collect();
        Sent { confirmed, refusal: confirms.refusal, is_over: interrupted.is_none() }
    }

    /// Waits until the deadline or until the broker blocks the connection, and returns the reason.
    async fn interruption(&self, deadline: Instant) -> Refusal {
        let text = tokio::select! {
            () = tokio::time::sleep_until(deadline) => format!("no confirm came within {} s", REPLY_TIMEOUT.as_secs()),
            reason = self.connection.until_blocked() => blocked_text(&reason),
        };
        Refusal { code: 0, text }
    }

    async fn take(&self) -> Result<Channel, BusError> {
        let idle = self.idle.lock().pop();
        if let Some(channel) = idle.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let channel = self.connection.channel().await?;
        in_time(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    fn release(&self, channel: Channel) {
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(channel);
        }
    }

    /// Closes a channel with messages in transit once they have left. A frame on a closed channel is a protocol error, for
    /// which the broker would close the whole connection.
    fn retire(&self, channel: Channel) {
        let connection = Arc::clone(&self.connection);
        tokio::spawn(async move {
            // A lost connection may never be unblocked, and has no channel left to close.
            tokio::select! {
                () = connection.until_unblocked() => {}
                _ = connection.lost() => return,
            }
            tokio::time::sleep(REPLY_TIMEOUT).await;
            drop(channel);
        });
    }
}

enum Publish<'a> {
    Done(Box<Result<Confirmation, Refusal>>),
    Confirming(Confirming<'a>),
}

async fn publish_one(channel: &Channel, message: &Outgoing) -> Result<Confirmation, Refusal> {
    let mandatory = BasicPublishOptions { mandatory: message.is_mandatory, ..BasicPublishOptions::default() };
    let exchange = short(&*message.exchange)?;
    let key = short(&*message.key)?;
    let sent = channel.basic_publish(exchange, key, mandatory, &message.body, message.properties.clone());
    let confirm = sent.await.map_err(|error| Refusal::from(&error))?;
    confirm.await.map_err(|error| Refusal::from(&error))
}

/// The broker's replies to a batch.
#[derive(Default)]
struct Confirms {
    /// Ids of the messages that no queue is bound for.
    returned: HashSet<String>,
    refusal: Option<Refusal>,
    /// True if some message was sent and has no confirm.
    is_broken_off: bool,
    is_topology_incomplete: bool,
}

impl Confirms {
    /// Records the result of a message, and returns true if it is acknowledged.
    fn record(&mut self, message: &Outgoing, result: Result<Confirmation, Refusal>) -> bool {
        let Outgoing { exchange, key, id, .. } = message;
        let confirmation = match result {
            Ok(confirmation) => confirmation,
            Err(refusal) => {
                self.is_topology_incomplete |= refusal.code == NOT_FOUND;
                self.refusal = Some(refusal);
                return false;
            }
        };
        let is_acknowledged = confirmation.is_ack();
        if !is_acknowledged {
            tracing::warn!(event.id = id, exchange, key, "the broker rejected a message");
        }
        // May belong to another message of the batch; the id in its properties identifies it.
        if let Some(returned) = confirmation.take_message() {
            let id = returned.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
            let exchange = returned.exchange.as_str();
            let key = returned.routing_key.as_str();
            let reason = returned.reply_text.as_str();
            tracing::warn!(
                event.id = id,
                exchange,
                key,
                reason,
                "the broker returned a message for which no queue is bound"
            );
            self.returned.insert(id);
            self.is_topology_incomplete = true;
        }
        is_acknowledged
    }

    /// Returns true if an acknowledged message has reached its queues: a message that is returned is acknowledged too. If a
    /// batch broke off after a return, further returns may be outstanding, and no message of it counts as routed.
    fn is_routed(&self, message: &Outgoing) -> bool {
        let has_all_returns = !self.is_broken_off || self.returned.is_empty();
        has_all_returns && !self.returned.contains(&message.id)
    }
}

fn blocked_text(reason: &str) -> String {
    format!("it accepts no messages at the moment: {reason}")
}

/// Returns the error for a blocked connection, by which the broker protects its memory or disk.
pub(super) fn blocked_error(reason: &str) -> BusError {
    BusError::Unavailable(blocked_text(reason))
}
