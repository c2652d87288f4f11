//! What an operator may ask about the broker, and what tests tidy up with.

use lapin::{
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

use souk_values::Secret;

use super::{
    RabbitTransport,
    address::Address,
    answers::{Refusal, in_time, short},
    declaring::{self, Difference},
    link::Link,
    session::Role,
    topology::{Names, Topology},
};
use crate::BusError;

/// How much is in a queue of the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// With the prefix.
    pub queue: String,
    /// Messages that nobody has been handed.
    pub waiting: u64,
    /// Consumers of it.
    pub consumers: u64,
}

impl RabbitTransport {
    /// Where the broker's exchanges and queues are not those that this version needs. Changes nothing.
    pub async fn check_topology(&self) -> Result<Vec<Difference>, BusError> {
        let topology = Topology::named(&self.0.role.names);
        declaring::differences(&self.session()?.consuming, &topology).await
    }

    /// How much is in each queue of the shop. Errors: the broker cannot be used, or a queue is missing.
    pub async fn queue_depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        let queues = Topology::named(&self.0.role.names).queues.into_iter().map(|queue| queue.name).collect();
        depths(&self.session()?.consuming, queues).await
    }

    /// Deletes every exchange and queue of this prefix with all that is in them, and closes the connections.
    /// For tests. Errors: there is no prefix, so these would be a shop's; or the broker cannot be used.
    pub async fn remove_everything(&self) -> Result<(), BusError> {
        let Role { address, names, .. } = &self.0.role;
        must_be_prefixed(names)?;
        self.close().await;
        remove(address, names).await
    }

    /// The same for whoever has no transport: at the broker at `url`, under `prefix`. For tests.
    pub async fn remove_everything_at(url: &Secret, prefix: &str) -> Result<(), BusError> {
        let names = super::names(prefix)?;
        must_be_prefixed(&names)?;
        remove(&Address::parse(url)?, &names).await
    }
}

fn must_be_prefixed(names: &Names) -> Result<(), BusError> {
    if names.are_bare() {
        return Err(BusError::Configuration("exchanges and queues without a prefix are not removed".to_owned()));
    }
    Ok(())
}

/// Looks at `queues`, in their order, without changing them.
pub(super) async fn depths(link: &Link, queues: Vec<String>) -> Result<Vec<QueueDepth>, BusError> {
    let channel = link.channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let mut depths = Vec::with_capacity(queues.len());
    for queue in queues {
        let seen = in_time(channel.queue_declare(short(&*queue)?, passive, FieldTable::default())).await?;
        let (waiting, consumers) = (u64::from(seen.message_count()), u64::from(seen.consumer_count()));
        depths.push(QueueDepth { queue, waiting, consumers });
    }
    Ok(depths)
}

async fn remove(address: &Address, names: &Names) -> Result<(), BusError> {
    let link = Link::open(address, "souk removal").await?;
    let removed = delete(&link, &Topology::named(names)).await;
    link.end().await;
    Ok(removed?)
}

async fn delete(link: &Link, topology: &Topology) -> Result<(), Refusal> {
    let channel = link.channel().await?;
    for queue in &topology.queues {
        in_time(channel.queue_delete(short(&*queue.name)?, QueueDeleteOptions::default())).await?;
    }
    for exchange in &topology.exchanges {
        in_time(channel.exchange_delete(short(&*exchange.name)?, ExchangeDeleteOptions::default())).await?;
    }
    Ok(())
}
