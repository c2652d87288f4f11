//! The exchanges, queues and bindings on the broker: a pure function of [`souk_events::QUEUES`] and the prefix.

use souk_events::{OUTBOXES, QUEUES};

use crate::{BusError, redelivery::delays};

/// Number of unacknowledged deliveries after which the broker itself dead-letters a message, because it may crash its
/// consumer.
const DELIVERY_LIMIT: i64 = 20;
/// Delivery limit of dead letters. Every listing delivers and requeues them, which must not use the limit up; RabbitMQ 4
/// applies a default of 20 to queues without one.
const UNLIMITED: i64 = 1_000_000_000;
/// Maximum length of a prefix in bytes, with which all names stay below AMQP's 255 bytes.
const MAX_PREFIX: usize = 100;

/// The type of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// Routes by patterns of the routing key.
    Topic,
    /// Routes by the exact routing key.
    Direct,
    /// Routes to all bound queues.
    Fanout,
}

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Name including the prefix.
    pub name: String,
    /// Type of the exchange.
    pub routing: Routing,
}

/// The value of a queue argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A long string of AMQP.
    Text(String),
    /// A 64-bit integer of AMQP.
    Number(i64),
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerQueue {
    /// Name including the prefix.
    pub name: String,
    /// Arguments of its declaration, such as `x-message-ttl`.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// A binding of a queue to an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Name of the exchange, including the prefix.
    pub exchange: String,
    /// Routing key of the bound messages.
    pub key: String,
    /// Name of the queue, including the prefix.
    pub queue: String,
}

/// The names of exchanges and queues under a prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Returns the names under a configured prefix. Errors: the prefix is too long.
    pub(super) fn checked(prefix: &str) -> Result<Self, BusError> {
        if prefix.len() > MAX_PREFIX {
            return Err(BusError::Configuration(format!("the prefix is longer than {MAX_PREFIX} bytes")));
        }
        Ok(Self::new(prefix))
    }

    /// Exchange to which events are published.
    pub(super) fn events(&self) -> String {
        format!("{}souk.events", self.prefix)
    }

    /// Exchange of announcements to all processes, named as by Spring Cloud Bus.
    pub(super) fn announcements(&self) -> String {
        format!("{}springCloudBus", self.prefix)
    }

    /// Exchange of dead letters, whose routing key is the name of their queue.
    pub(super) fn dead(&self) -> String {
        format!("{}souk.dead", self.prefix)
    }

    /// Queue with the name `name` in [`QUEUES`].
    pub(super) fn queue(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Queue of the dead letters of `name` in [`QUEUES`].
    pub(super) fn letters(&self, name: &str) -> String {
        format!("{}{name}.dead", self.prefix)
    }

    /// Exclusive queue that serves as a lock on all dead letters.
    pub(super) fn letters_lock(&self) -> String {
        format!("{}souk.dead.lock", self.prefix)
    }

    /// Exchange and queue that delay messages by `ms` milliseconds.
    pub(super) fn retry(&self, ms: i64) -> String {
        format!("{}souk.retry.{ms}", self.prefix)
    }

    /// Returns true without a prefix, as in production.
    pub(super) fn are_unprefixed(&self) -> bool {
        self.prefix.is_empty()
    }
}

/// All exchanges, queues and bindings of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Exchanges in the order of their declaration.
    pub exchanges: Vec<Exchange>,
    /// Queues in the order of their declaration.
    pub queues: Vec<BrokerQueue>,
    /// Bindings in the order of their declaration.
    pub bindings: Vec<Binding>,
}

impl Topology {
    /// Returns the topology under `prefix`, which is empty in production.
    #[must_use]
    pub fn with_prefix(prefix: &str) -> Self {
        Self::named(&Names::new(prefix))
    }

    pub(super) fn named(names: &Names) -> Self {
        let mut topology = Self {
            exchanges: vec![
                Exchange { name: names.events(), routing: Routing::Topic },
                Exchange { name: names.announcements(), routing: Routing::Topic },
                Exchange { name: names.dead(), routing: Routing::Direct },
            ],
            queues: Vec::new(),
            bindings: Vec::new(),
        };
        for queue in QUEUES {
            topology.add_consumed(names, queue);
        }
        for outbox in OUTBOXES {
            topology.add_letters(names, outbox);
        }
        for ms in retry_levels() {
            topology.add_retry(names, ms);
        }
        topology
    }

    /// Adds a queue that a service consumes, and the queue of its dead letters.
    fn add_consumed(&mut self, names: &Names, queue: &souk_events::Queue) {
        let name = names.queue(queue.name);
        self.add_queue(
            &name,
            vec![
                ("x-delivery-limit", Argument::Number(DELIVERY_LIMIT)),
                ("x-dead-letter-exchange", Argument::Text(names.dead())),
                ("x-dead-letter-routing-key", Argument::Text(name.clone())),
                ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
            ],
        );
        for key in queue.binds {
            self.bindings.push(Binding { exchange: names.events(), key: (*key).to_owned(), queue: name.clone() });
        }
        self.add_letters(names, queue.name);
    }

    /// Adds the queue of the dead letters of `name`, a queue or an outbox.
    fn add_letters(&mut self, names: &Names, name: &str) {
        let letters = names.letters(name);
        self.add_queue(&letters, vec![("x-delivery-limit", Argument::Number(UNLIMITED))]);
        self.bindings.push(Binding { exchange: names.dead(), key: names.queue(name), queue: letters });
    }

    /// Adds a queue without consumers. After its time to live each message goes to the default exchange, which routes it
    /// to the queue named by its routing key, the one from which it was consumed.
    fn add_retry(&mut self, names: &Names, ms: i64) {
        let name = names.retry(ms);
        self.exchanges.push(Exchange { name: name.clone(), routing: Routing::Fanout });
        self.add_queue(
            &name,
            vec![
                ("x-message-ttl", Argument::Number(ms)),
                ("x-dead-letter-exchange", Argument::Text(String::new())),
                ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
            ],
        );
        self.bindings.push(Binding { exchange: name.clone(), key: String::new(), queue: name });
    }

    /// Adds a quorum queue. When full, it rejects a new message instead of dropping an old one; at-least-once dead lettering
    /// requires that too.
    fn add_queue(&mut self, name: &str, own: Vec<(&'static str, Argument)>) {
        let mut arguments = vec![
            ("x-queue-type", Argument::Text("quorum".to_owned())),
            ("x-overflow", Argument::Text("reject-publish".to_owned())),
        ];
        arguments.extend(own);
        self.queues.push(BrokerQueue { name: name.to_owned(), arguments });
    }
}

/// Iterates over the delays before a redelivery in milliseconds, shortest first.
pub(super) fn retry_levels() -> impl Iterator<Item = i64> {
    delays().map(|delay| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_queue_has_bindings_dead_letters_and_retry_queues() {
        let topology = Topology::with_prefix("t.");
        let names: HashSet<&str> = topology.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names.len(), 2 * QUEUES.len() + OUTBOXES.len() + 5, "no name twice");
        for queue in QUEUES {
            let name = format!("t.{}", queue.name);
            let keys: Vec<&str> = topology
                .bindings
                .iter()
                .filter(|binding| binding.queue == name)
                .map(|binding| binding.key.as_str())
                .collect();
            assert_eq!(keys, queue.binds);
            let dead = Binding { exchange: "t.souk.dead".into(), key: name.clone(), queue: format!("{name}.dead") };
            assert!(topology.bindings.contains(&dead));
        }
        let delays: Vec<i64> = retry_levels().collect();
        assert_eq!(delays, [200, 400, 800, 1_600, 3_200]);
        assert!(names.contains("t.souk.retry.3200"));
    }

    #[test]
    fn an_empty_prefix_is_production() {
        let topology = Topology::with_prefix("");
        assert_eq!(topology.exchanges[0].name, "souk.events");
        assert_eq!(topology.queues[0].name, "product.orders");
        assert_eq!(topology.queues[1].name, "product.orders.dead");
    }
}
