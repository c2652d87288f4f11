//! Which exchanges, queues and bindings there are on the broker: a pure function of the table of queues
//! and the prefix.

use souk_events::QUEUES;

use crate::retrying::levels;

/// Deliveries without an answer after which the broker itself puts a message aside: it may kill its consumer.
const DELIVERY_LIMIT: i64 = 20;
/// Looking at a dead letter hands it out and gives it back; that must never use it up.
const UNLIMITED: i64 = 1_000_000_000;

/// How an exchange chooses queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routing {
    /// By pattern of the routing key.
    Topic,
    /// By the very routing key.
    Direct,
    /// To every queue bound.
    Fanout,
}

/// A durable exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// With the prefix.
    pub name: String,
    /// How it chooses queues.
    pub routing: Routing,
}

/// An argument of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerQueue {
    /// With the prefix.
    pub name: String,
    /// What it is declared with.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// What is routed where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// From.
    pub exchange: String,
    /// What.
    pub key: String,
    /// To.
    pub queue: String,
}

/// The names of exchanges and queues, each with the prefix before it.
#[derive(Debug, Clone)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Where events are published.
    pub(super) fn events(&self) -> String {
        format!("{}souk.events", self.prefix)
    }

    /// Where all processes are told something at once; the name that Spring Cloud Bus gives it.
    pub(super) fn announcements(&self) -> String {
        format!("{}springCloudBus", self.prefix)
    }

    /// Where dead letters are published, by the name of the queue they come from.
    pub(super) fn dead(&self) -> String {
        format!("{}souk.dead", self.prefix)
    }

    /// The queue that is called `name` in the table of queues.
    pub(super) fn queue(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The dead letters of the queue that is called `name` in the table of queues.
    pub(super) fn letters(&self, name: &str) -> String {
        format!("{}{name}.dead", self.prefix)
    }

    /// Held by whoever looks at the dead letters.
    pub(super) fn letters_lock(&self) -> String {
        format!("{}souk.dead.lock", self.prefix)
    }

    /// Exchange and queue that hold messages back for `ms` milliseconds.
    pub(super) fn retry(&self, ms: i64) -> String {
        format!("{}souk.retry.{ms}", self.prefix)
    }

    /// Whether nothing stands before the names, as in production.
    pub(super) fn are_bare(&self) -> bool {
        self.prefix.is_empty()
    }
}

/// Every exchange, queue and binding of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// In the order they are declared.
    pub exchanges: Vec<Exchange>,
    /// In the order they are declared.
    pub queues: Vec<BrokerQueue>,
    /// In the order they are declared.
    pub bindings: Vec<Binding>,
}

impl Topology {
    /// The topology whose every name begins with `prefix`.
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
        for ms in retry_levels() {
            topology.add_retry(names, ms);
        }
        topology
    }

    /// A queue that a service consumes, and that of its dead letters.
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
        let letters = names.letters(queue.name);
        self.add_queue(&letters, vec![("x-delivery-limit", Argument::Number(UNLIMITED))]);
        self.bindings.push(Binding { exchange: names.dead(), key: name, queue: letters });
    }

    /// A queue that nobody consumes: after its time each message goes to the default exchange, and from
    /// there to the queue whose name is its routing key, the one that it came from.
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

    /// Rather than drop a message, a full queue refuses a new one.
    fn add_queue(&mut self, name: &str, own: Vec<(&'static str, Argument)>) {
        let mut arguments = vec![
            ("x-queue-type", Argument::Text("quorum".to_owned())),
            ("x-overflow", Argument::Text("reject-publish".to_owned())),
        ];
        arguments.extend(own);
        self.queues.push(BrokerQueue { name: name.to_owned(), arguments });
    }
}

/// The pauses before a message is handed out again, in milliseconds, shortest first.
pub(super) fn retry_levels() -> impl Iterator<Item = i64> {
    levels().map(|pause| i64::try_from(pause.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_queue_has_its_bindings_its_dead_letters_and_a_way_back() {
        let topology = Topology::with_prefix("t.");
        let names: HashSet<&str> = topology.queues.iter().map(|queue| queue.name.as_str()).collect();
        assert_eq!(names.len(), 2 * QUEUES.len() + 5, "no name twice");
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
        let pauses: Vec<i64> = retry_levels().collect();
        assert_eq!(pauses, [200, 400, 800, 1_600, 3_200]);
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
