//! Queue depths for operators, and the removal of a test's exchanges and queues.

use lapin::{
    options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::FieldTable,
};

use super::{
    address::Address,
    connection::BrokerConnection,
    replies::{Refusal, in_time, short},
    topology::{Names, Topology},
};
use crate::BusError;

/// The numbers of messages and consumers of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// Name of the queue, including the prefix.
    pub queue: String,
    /// Number of messages ready for delivery; unacknowledged ones are not counted.
    pub waiting: u64,
    /// Number of consumers.
    pub consumers: u64,
}

/// Returns the depths of `queues` in their order. Errors: a queue is missing, or the broker cannot be used.
pub(super) async fn depths(connection: &BrokerConnection, queues: Vec<String>) -> Result<Vec<QueueDepth>, BusError> {
    let channel = connection.channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let mut depths = Vec::with_capacity(queues.len());
    for queue in queues {
        let found = in_time(channel.queue_declare(short(&*queue)?, passive, FieldTable::default())).await?;
        let waiting = u64::from(found.message_count());
        let consumers = u64::from(found.consumer_count());
        depths.push(QueueDepth { queue, waiting, consumers });
    }
    Ok(depths)
}

/// Deletes all exchanges and queues of `names` with their messages. Errors: the names have no prefix and would be those of
/// a shop, or the broker cannot be used.
pub(super) async fn remove_everything(address: &Address, names: &Names) -> Result<(), BusError> {
    check_prefixed(names)?;
    let connection = BrokerConnection::open(address, "souk removal").await?;
    let removed = delete(&connection, &Topology::named(names)).await;
    connection.end().await;
    Ok(removed?)
}

pub(super) fn check_prefixed(names: &Names) -> Result<(), BusError> {
    if names.are_unprefixed() {
        return Err(BusError::Configuration("exchanges and queues without a prefix are not removed".to_owned()));
    }
    Ok(())
}

async fn delete(connection: &BrokerConnection, topology: &Topology) -> Result<(), Refusal> {
    let channel = connection.channel().await?;
    for queue in &topology.queues {
        in_time(channel.queue_delete(short(&*queue.name)?, QueueDeleteOptions::default())).await?;
    }
    for exchange in &topology.exchanges {
        in_time(channel.exchange_delete(short(&*exchange.name)?, ExchangeDeleteOptions::default())).await?;
    }
    Ok(())
}
