//! Makes the topology on the broker, and tells where the broker's is another.

use std::fmt;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::{
    answers::{DIFFERENT, NOT_FOUND, Refusal, in_time, short},
    link::Link,
    topology::{Argument, BrokerQueue, Exchange, Routing, Topology},
};
use crate::BusError;

/// Where the broker's topology is not what this version needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `queue product.orders` or `exchange souk.events`.
    pub what: String,
    /// What the broker says of it; `None`: there is none.
    pub found: Option<String>,
}

impl Difference {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.found {
            None => "any service of the shop makes it when it starts",
            Some(_) => {
                "stop what publishes to it, let it run empty, delete it, and any service of the shop makes it anew; \
                 or run the version that made it"
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            None => write!(f, "{} is missing", self.what),
            Some(found) => write!(f, "{} is not as needed ({found})", self.what),
        }
    }
}

/// Declares all of `topology`; what is there already stays as it is.
pub(super) async fn declare(link: &Link, topology: &Topology) -> Result<(), BusError> {
    let channel = link.channel().await?;
    match declare_on(&channel, topology).await {
        Err(refusal) if refusal.code == DIFFERENT => {
            let differences: Vec<Difference> = differences(link, topology).await?;
            let differing = differences.iter().filter(|difference| difference.found.is_some());
            let sentences: Vec<String> =
                differing.map(|difference| format!("{difference}: {}", difference.remedy())).collect();
            Err(if sentences.is_empty() { refusal.into() } else { BusError::Drift(sentences.join("; ")) })
        }
        Err(refusal) => Err(refusal.into()),
        Ok(()) => Ok(()),
    }
}

async fn declare_on(channel: &Channel, topology: &Topology) -> Result<(), Refusal> {
    for exchange in &topology.exchanges {
        declare_exchange(channel, exchange, false).await?;
    }
    for queue in &topology.queues {
        declare_queue(channel, queue, false).await?;
    }
    for binding in &topology.bindings {
        let (queue, exchange, key) = (short(&*binding.queue)?, short(&*binding.exchange)?, short(&*binding.key)?);
        in_time(channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default())).await?;
    }
    Ok(())
}

async fn declare_exchange(channel: &Channel, exchange: &Exchange, is_passive: bool) -> Result<(), Refusal> {
    let kind = match exchange.routing {
        Routing::Topic => ExchangeKind::Topic,
        Routing::Direct => ExchangeKind::Direct,
        Routing::Fanout => ExchangeKind::Fanout,
    };
    let options = ExchangeDeclareOptions { durable: true, passive: is_passive, ..ExchangeDeclareOptions::default() };
    let name = short(&*exchange.name)?;
    in_time(channel.exchange_declare(name, kind, options, FieldTable::default())).await
}

async fn declare_queue(channel: &Channel, queue: &BrokerQueue, is_passive: bool) -> Result<(), Refusal> {
    let options = QueueDeclareOptions { durable: true, passive: is_passive, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    for (name, argument) in &queue.arguments {
        let value = match argument {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            Argument::Number(number) => AMQPValue::LongLongInt(*number),
        };
        arguments.insert(short(*name)?, value);
    }
    in_time(channel.queue_declare(short(&*queue.name)?, options, arguments)).await?;
    Ok(())
}

/// Where the broker's exchanges and queues are not those of `topology`. Changes nothing. Bindings cannot be
/// looked at; they are made whenever a service connects.
pub(super) async fn differences(link: &Link, topology: &Topology) -> Result<Vec<Difference>, BusError> {
    let mut found = Vec::new();
    let mut looking = Looking { link, channel: link.channel().await? };
    for exchange in &topology.exchanges {
        let seen = looking.at(|channel, passive| async move { declare_exchange(&channel, exchange, passive).await });
        found.extend(difference(format!("exchange {}", exchange.name), seen.await?));
    }
    for queue in &topology.queues {
        let seen = looking.at(|channel, passive| async move { declare_queue(&channel, queue, passive).await });
        found.extend(difference(format!("queue {}", queue.name), seen.await?));
    }
    Ok(found)
}

fn difference(what: String, seen: Seen) -> Option<Difference> {
    match seen {
        Seen::AsNeeded => None,
        Seen::Missing => Some(Difference { what, found: None }),
        Seen::Other(text) => Some(Difference { what, found: Some(text) }),
    }
}

enum Seen {
    AsNeeded,
    Missing,
    Other(String),
}

/// Looks with a channel that the broker closes after each thing that is not as needed.
struct Looking<'a> {
    link: &'a Link,
    channel: Channel,
}

impl Looking<'_> {
    /// A passive declaration tells whether it is there, and makes nothing. Only then one that is not passive
    /// tells whether it is the same: of what is there, it changes nothing.
    async fn at<F>(&mut self, declare: impl Fn(Channel, bool) -> F) -> Result<Seen, BusError>
    where
        F: Future<Output = Result<(), Refusal>>,
    {
        let declared = match declare(self.channel.clone(), true).await {
            Ok(()) => declare(self.channel.clone(), false).await,
            refused => refused,
        };
        let seen = match declared {
            Ok(()) => return Ok(Seen::AsNeeded),
            Err(refusal) if refusal.code == NOT_FOUND => Seen::Missing,
            Err(refusal) if refusal.code == DIFFERENT => Seen::Other(refusal.text),
            Err(refusal) => return Err(refusal.into()),
        };
        self.channel = self.link.channel().await?;
        Ok(seen)
    }
}
