//! A consumer's hold on one of the broker's queues: a channel of its own, and what it has handed out.

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
    answers::{Refusal, in_time, short},
    message::{self, Death, Outgoing},
    session::Session,
    topology::Names,
};
use crate::{BusError, Delivery, Subscription, Verdict, dead_letters::letter_id_of_body, pace};

/// Messages that the broker hands out ahead of their acknowledgement.
const PREFETCH: u16 = 128;

pub(super) struct RabbitSubscription {
    session: Arc<Session>,
    names: Names,
    clock: Arc<dyn Clock>,
    queue: &'static Queue,
    channel: Channel,
    consumer: Consumer,
    /// Messages taken and not yet acknowledged, by the number of their delivery.
    taken: BTreeSet<u64>,
    /// Why nothing comes any more.
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
        let (name, tag) = (short(names.queue(queue.name))?, short("")?);
        let consuming = channel.basic_consume(name, tag, BasicConsumeOptions::default(), FieldTable::default());
        let consumer = in_time(consuming).await?;
        Ok(Self { session, names, clock, queue, channel, consumer, taken: BTreeSet::new(), ended: None })
    }

    /// Waits for a message, and takes what else is there, up to `max`.
    async fn take(&mut self, max: usize) -> Result<Vec<Message>, BusError> {
        if let Some(why) = &self.ended {
            return Err(BusError::Unavailable(why.clone()));
        }
        let first = tokio::select! {
            message = self.consumer.next() => message,
            () = self.session.over.cancelled() => None,
        };
        let mut messages = vec![self.unless_ended(first)?];
        while messages.len() < max {
            let Some(next) = self.consumer.next().now_or_never() else { break };
            // Its end is told with the next call.
            let Ok(message) = self.unless_ended(next) else { break };
            messages.push(message);
        }
        self.taken.extend(messages.iter().map(|message| message.delivery_tag));
        Ok(messages)
    }

    fn unless_ended(&mut self, next: Option<lapin::Result<Message>>) -> Result<Message, BusError> {
        let why = match next {
            Some(Ok(message)) => return Ok(message),
            Some(Err(error)) => Refusal::from(&error).text,
            None => "the broker ended the subscription".to_owned(),
        };
        self.ended = Some(why.clone());
        Err(BusError::Unavailable(why))
    }

    /// Puts aside, as they are, messages that are no events.
    async fn put_aside(&mut self, poison: Vec<(Message, serde_json::Error)>) -> Result<(), BusError> {
        let mut letters = Vec::with_capacity(poison.len());
        for (message, error) in poison {
            let error = format!("it is no event: {error}");
            let attempts = message::attempts(&message.properties).saturating_add(1);
            let id = letter_id_of_body(self.queue.name, &message.data).to_string();
            tracing::error!(queue = self.queue.name, letter.id = id, error, "a message is a dead letter now");
            let death = Death { queue: self.queue.name, attempts, error: &error, at: self.clock.now() };
            letters.push((Outgoing::poison(&self.names, id, message.data, &death)?, message.delivery_tag));
        }
        self.acknowledge_published(letters).await
    }

    /// Publishes the successors of messages and acknowledges each once the broker has its successor. What it
    /// does not take now is kept in hand and tried again: given back, it would count as handed out. Errors: the
    /// connection is over.
    async fn acknowledge_published(&mut self, mut owed: Vec<(Outgoing, u64)>) -> Result<(), BusError> {
        let mut pause = pace::SHORTEST;
        while !owed.is_empty() {
            let (messages, tags): (Vec<Outgoing>, Vec<u64>) = owed.into_iter().unzip();
            let confirmed = match self.session.publisher.publish(&messages).await {
                Ok(confirmed) => confirmed,
                Err(error) => {
                    tracing::warn!(queue = self.queue.name, error = %error, "a message to be held back or put aside is kept");
                    Vec::new()
                }
            };
            let is_safe = |place: usize| confirmed.get(place) == Some(&true);
            let safe = tags.iter().enumerate().filter(|(place, _)| is_safe(*place)).map(|(_, tag)| *tag);
            self.acknowledge(safe.collect()).await?;
            let left = messages.into_iter().zip(tags).enumerate().filter(|(place, _)| !is_safe(*place));
            owed = left.map(|(_, one)| one).collect();
            if !owed.is_empty() {
                // Real time on purpose: the pace of trying again, not a term of the business.
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = self.session.over.cancelled() => {
                        return Err(BusError::Unavailable("the connection was lost".to_owned()));
                    }
                }
                pause = pace::longer(pause);
            }
        }
        Ok(())
    }

    /// Acknowledges messages: those before which nothing is left with one answer, the others each.
    async fn acknowledge(&mut self, tags: HashSet<u64>) -> Result<(), BusError> {
        let up_to = self.taken.iter().take_while(|tag| tags.contains(tag)).last().copied();
        let singly = tags.iter().copied().filter(|tag| up_to.is_none_or(|last| *tag > last));
        let answers = up_to
            .map(|last| (last, true))
            .into_iter()
            .chain(singly.map(|tag| (tag, false)))
            .map(|(tag, multiple)| self.channel.basic_ack(tag, BasicAckOptions { multiple }));
        in_time(try_join_all(answers)).await?;
        self.taken.retain(|tag| !tags.contains(tag));
        Ok(())
    }

    /// What to publish before a message is acknowledged; nothing if it had its effect.
    fn successor(&self, delivery: &Delivery, verdict: &Verdict) -> Result<Option<Outgoing>, BusError> {
        let Delivery { envelope, attempts, .. } = delivery;
        let (names, queue, tried) = (&self.names, self.queue.name, attempts.saturating_add(1));
        Ok(match verdict {
            Verdict::Ack => None,
            Verdict::Retry { after } => Some(Outgoing::later(names, queue, envelope, tried, after.as_millis())?),
            Verdict::Postpone => Some(Outgoing::later(names, queue, envelope, *attempts, u128::MAX)?),
            Verdict::Dead { error } => {
                let death = Death { queue, attempts: tried, error, at: self.clock.now() };
                Some(Outgoing::dead(names, envelope, &death)?)
            }
        })
    }
}

#[async_trait::async_trait]
impl Subscription for RabbitSubscription {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            let (mut deliveries, mut poison) = (Vec::new(), Vec::new());
            for message in self.take(max).await? {
                match serde_json::from_slice(&message.data) {
                    Ok(envelope) => deliveries.push(Delivery {
                        envelope,
                        attempts: message::attempts(&message.properties),
                        tag: message.delivery_tag,
                    }),
                    Err(error) => poison.push((message, error)),
                }
            }
            if !poison.is_empty() {
                self.put_aside(poison).await?;
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
