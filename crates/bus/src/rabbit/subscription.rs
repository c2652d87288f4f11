//! A subscription to one queue of the broker, on a channel of its own.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use futures::{FutureExt, StreamExt, future::try_join_all};
use lapin::{
    Channel, Consumer,
    message::Delivery as Message,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use souk_events::Queue;
use souk_values::Clock;

use super::{
    message::{self, Death, Outgoing},
    replies::{Refusal, in_time, short},
    session::Session,
    topology::Names,
};
use crate::{BusError, Delivery, Subscription, Verdict, backoff, dead_letters::letter_id_of_body};

/// Maximum number of unacknowledged messages that the broker delivers.
const PREFETCH: u16 = 128;

pub(super) struct RabbitSubscription {
    session: Arc<Session>,
    names: Names,
    clock: Arc<dyn Clock>,
    queue: &'static Queue,
    channel: Channel,
    consumer: Consumer,
    /// Delivery tags of messages that are not acknowledged yet.
    unacknowledged: BTreeSet<u64>,
    /// Reason for the end of the subscription; `None` while it is open.
    ended: Option<String>,
}

impl RabbitSubscription {
    pub(super) async fn open(
        session: Arc<Session>,
        names: Names,
        clock: Arc<dyn Clock>,
        queue: &'static Queue,
    ) -> Result<Self, Refusal> {
        let channel = session.consuming.channel().await?;
        in_time(channel.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let name = short(names.queue(queue.name))?;
        let tag = short("")?;
        let consuming = channel.basic_consume(name, tag, BasicConsumeOptions::default(), FieldTable::default());
        let consumer = in_time(consuming).await?;
        Ok(Self { session, names, clock, queue, channel, consumer, unacknowledged: BTreeSet::new(), ended: None })
    }

    /// Waits for a message, and returns it with those that have arrived already, up to `max`.
    async fn take(&mut self, max: usize) -> Result<Vec<Message>, BusError> {
        if let Some(reason) = &self.ended {
            return Err(BusError::Unavailable(reason.clone()));
        }
        let first = tokio::select! {
            message = self.consumer.next() => message,
            () = self.session.over.cancelled() => None,
        };
        let mut messages = vec![self.unless_ended(first)?];
        while messages.len() < max {
            let Some(next) = self.consumer.next().now_or_never() else { break };
            // The next call reports the end of the subscription.
            let Ok(message) = self.unless_ended(next) else { break };
            messages.push(message);
        }
        self.unacknowledged.extend(messages.iter().map(|message| message.delivery_tag));
        Ok(messages)
    }

    fn unless_ended(&mut self, next: Option<lapin::Result<Message>>) -> Result<Message, BusError> {
        let reason = match next {
            Some(Ok(message)) => return Ok(message),
            Some(Err(error)) => Refusal::from(&error).text,
            None => "the broker ended the subscription".to_owned(),
        };
        self.ended = Some(reason.clone());
        Err(BusError::Unavailable(reason))
    }

    /// Turns messages that are no events into dead letters with their original bodies.
    async fn remove_unreadable(&mut self, unreadable: Vec<(Message, serde_json::Error)>) -> Result<(), BusError> {
        let mut letters = Vec::with_capacity(unreadable.len());
        for (message, error) in unreadable {
            let error = format!("it is no event: {error}");
            let attempts = message::attempts(&message.properties).saturating_add(1);
            let id = letter_id_of_body(self.queue.name, &message.data).to_string();
            tracing::error!(queue = self.queue.name, letter.id = id, error, "a message became a dead letter");
            let death = Death { queue: self.queue.name, attempts, error: &error, at: self.clock.now() };
            letters.push((Outgoing::unreadable(&self.names, id, message.data, &death)?, message.delivery_tag));
        }
        self.acknowledge_published(letters).await
    }

    /// Publishes the successors of messages, and acknowledges each message once its successor is confirmed. Publishes
    /// unconfirmed successors again while their messages stay unacknowledged: requeueing these would count against the
    /// delivery limit. Errors: the connection is lost.
    async fn acknowledge_published(&mut self, mut pending: Vec<(Outgoing, u64)>) -> Result<(), BusError> {
        let mut pause = backoff::SHORTEST;
        while !pending.is_empty() {
            let (messages, tags): (Vec<Outgoing>, Vec<u64>) = pending.into_iter().unzip();
            let confirmed = match self.session.publisher.publish(&messages).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    tracing::warn!(queue = self.queue.name, error = %error, "messages to be redelivered or dead-lettered stay unacknowledged");
                    Vec::new()
                }
            };
            let is_confirmed = |index: usize| confirmed.get(index) == Some(&true);
            let done = tags.iter().enumerate().filter(|(index, _)| is_confirmed(*index)).map(|(_, tag)| *tag);
            self.acknowledge(done.collect()).await?;
            let left = messages.into_iter().zip(tags).enumerate().filter(|(index, _)| !is_confirmed(*index));
            pending = left.map(|(_, one)| one).collect();
            if !pending.is_empty() {
                // In real time, unlike the terms of the business.
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.session.over.cancelled() => {
                        return Err(BusError::Unavailable("the connection was lost".to_owned()));
                    }
                }
                pause = backoff::longer(pause);
            }
        }
        Ok(())
    }

    /// Acknowledges messages: those without an unacknowledged one before them by one frame, the others individually.
    async fn acknowledge(&mut self, tags: HashSet<u64>) -> Result<(), BusError> {
        let up_to = self.unacknowledged.iter().take_while(|tag| tags.contains(tag)).last().copied();
        let individual = tags.iter().copied().filter(|tag| up_to.is_none_or(|last| *tag > last));
        let acknowledgements = up_to
            .map(|last| (last, true))
            .into_iter()
            .chain(individual.map(|tag| (tag, false)))
            .map(|(tag, multiple)| self.channel.basic_ack(tag, BasicAckOptions { multiple }));
        in_time(try_join_all(acknowledgements)).await?;
        self.unacknowledged.retain(|tag| !tags.contains(tag));
        Ok(())
    }

    /// Returns the message to publish before `delivery` is acknowledged; `None` if it was applied.
    fn successor(&self, delivery: &Delivery, verdict: &Verdict) -> Result<Option<Outgoing>, BusError> {
        let Delivery { envelope, attempts, .. } = delivery;
        let names = &self.names;
        let queue = self.queue.name;
        let failed = attempts.saturating_add(1);
        Ok(match verdict {
            Verdict::Ack => None,
            Verdict::Retry { after } => Some(Outgoing::delayed(names, queue, envelope, failed, after.as_millis())?),
            Verdict::Postpone => Some(Outgoing::delayed(names, queue, envelope, *attempts, u128::MAX)?),
            Verdict::Dead { error } => {
                let death = Death { queue, attempts: failed, error, at: self.clock.now() };
                Some(Outgoing::dead(names, envelope, &death)?)
            }
        })
    }
}

#[async_trait::async_trait]
impl Subscription for RabbitSubscription {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let mut deliveries = Vec::new();
            let mut unreadable = Vec::new();
            for message in self.take(max).await? {
                match serde_json::from_slice(&message.data) {
                    Ok(envelope) => deliveries.push(Delivery {
                        envelope,
                        attempts: message::attempts(&message.properties),
                        tag: message.delivery_tag,
                    }),
                    Err(error) => unreadable.push((message, error)),
                }
            }
            if !unreadable.is_empty() {
                self.remove_unreadable(unreadable).await?;
            }
            if !deliveries.is_empty() {
                return Ok(deliveries);
            }
        }
    }

    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError> {
        let mut done = HashSet::new();
        let mut successors = Vec::new();
        for (delivery, verdict) in &verdicts {
            match self.successor(delivery, verdict)? {
                None => {
                    done.insert(delivery.tag);
                }
                Some(successor) => successors.push((successor, delivery.tag)),
            }
        }
        self.acknowledge(done).await?;
        self.acknowledge_published(successors).await
    }
}
