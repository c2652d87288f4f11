//! Declares the topology on the broker, and reports differences of what exists already.

use std::fmt;

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};

use super::{
    connection::BrokerConnection,
    replies::{NOT_FOUND, PRECONDITION_FAILED, Refusal, in_time, short},
    topology::{Argument, BrokerQueue, Exchange, Routing, Topology},
};
use crate::BusError;

/// An exchange or queue on the broker that is not as this version declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopologyDifference {
    /// Kind and name, such as `queue product.orders` or `exchange souk.events`.
    pub object: String,
    /// Message of the broker about the difference; `None` if the object does not exist.
    pub found: Option<String>,
}

impl TopologyDifference {
    /// Returns an instruction that resolves the difference.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self.found {
            None => "start any service of the shop, which creates it",
            Some(_) => {
                "stop the services that publish to it, let it run empty, delete it, and start any service of the shop, \
                 which creates it again; or run the version that created it"
            }
        }
    }
}

impl fmt::Display for TopologyDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            None => write!(f, "{} is missing", self.object),
            Some(found) => write!(f, "{} differs from what this version declares ({found})", self.object),
        }
    }
}

/// Declares all of `topology`. Existing exchanges and queues stay unchanged. Errors: one of them differs, or the broker
/// cannot be used.
pub(super) async fn declare(connection: &BrokerConnection, topology: &Topology) -> Result<(), BusError> {
    let channel = connection.channel().await?;
    match declare_on(&channel, topology).await {
        Err(refusal) if refusal.code == PRECONDITION_FAILED => {
            let differences = differences(connection, topology).await?;
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
        let queue = short(&*binding.queue)?;
        let exchange = short(&*binding.exchange)?;
        let key = short(&*binding.key)?;
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

/// Returns the exchanges and queues of `topology` that are missing or differ on the broker, without changing any. AMQP
/// cannot query bindings; they are declared at every connection.
pub(super) async fn differences(
    connection: &BrokerConnection,
    topology: &Topology,
) -> Result<Vec<TopologyDifference>, BusError> {
    let mut found = Vec::new();
    let mut probe = Probe { connection, channel: connection.channel().await? };
    for exchange in &topology.exchanges {
        let probed = probe.run(|channel, passive| async move { declare_exchange(&channel, exchange, passive).await });
        found.extend(difference(format!("exchange {}", exchange.name), probed.await?));
    }
    for queue in &topology.queues {
        let probed = probe.run(|channel, passive| async move { declare_queue(&channel, queue, passive).await });
        found.extend(difference(format!("queue {}", queue.name), probed.await?));
    }
    Ok(found)
}

fn difference(object: String, found: Found) -> Option<TopologyDifference> {
    match found {
        Found::Same => None,
        Found::Missing => Some(TopologyDifference { object, found: None }),
        Found::Different(text) => Some(TopologyDifference { object, found: Some(text) }),
    }
}

enum Found {
    Same,
    Missing,
    Different(String),
}

/// Compares declarations with the broker, on a channel that the broker closes after every difference.
struct Probe<'a> {
    connection: &'a BrokerConnection,
    channel: Channel,
}

impl Probe<'_> {
    /// Declares passively first, which checks for existence and creates nothing. Only for an existing object follows the
    /// active declaration, which changes nothing then, and fails if the properties differ.
    async fn run<F>(&mut self, declare: impl Fn(Channel, bool) -> F) -> Result<Found, BusError>
    where
        F: Future<Output = Result<(), Refusal>>,
    {
        let declared = match declare(self.channel.clone(), true).await {
            Ok(()) => declare(self.channel.clone(), false).await,
            refused => refused,
        };
        let found = match declared {
            Ok(()) => return Ok(Found::Same),
            Err(refusal) if refusal.code == NOT_FOUND => Found::Missing,
            Err(refusal) if refusal.code == PRECONDITION_FAILED => Found::Different(refusal.text),
            Err(refusal) => return Err(refusal.into()),
        };
        self.channel = self.connection.channel().await?;
        Ok(found)
    }
}
