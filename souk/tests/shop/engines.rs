//! The engines of one shop under test: databases, keys and queues of its own, removed after it.

use std::collections::BTreeMap;

use souk_testkit::{
    engine::{self, Stores},
    note_topology, remove_topology,
};

/// Databases, keys and queues of one shop.
#[derive(Debug)]
pub struct Engines {
    stores: Stores,
    others: BTreeMap<String, String>,
}

impl Default for Engines {
    fn default() -> Self {
        Self::new()
    }
}

impl Engines {
    /// New, empty ones.
    #[must_use]
    pub fn new() -> Self {
        let engines = Self { stores: Stores::new(), others: BTreeMap::new() };
        let prefix = engines.prefix();
        engine::block_on(async move { note_topology(&prefix).await });
        engines
    }

    /// Where the store of `name` is.
    pub fn store_url(&self, name: &str) -> String {
        self.stores.url(name)
    }

    /// The variables that lead souk there.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let services = ["auth", "product", "order", "cart", "payment", "notification"];
        let mut variables: BTreeMap<String, String> = services
            .into_iter()
            .map(|name| (format!("SOUK_{}__STORE_URL", name.to_uppercase()), self.store_url(name)))
            .collect();
        variables.insert("SOUK_PAYMENT__SANDBOX_LEDGER_URL".to_owned(), self.store_url("sandbox"));
        variables.insert("SOUK_BUS__URL".to_owned(), engine::rabbitmq());
        variables.insert("SOUK_BUS__PREFIX".to_owned(), self.prefix());
        variables.extend(self.others.clone());
        variables
    }

    /// Leads souk elsewhere: through a proxy, or to an engine that a test started itself.
    pub fn put(&mut self, variable: &str, url: String) {
        self.others.insert(variable.to_owned(), url);
    }

    /// What goes before every exchange and queue.
    pub fn prefix(&self) -> String {
        format!("{}.", self.stores.prefix())
    }
}

impl Drop for Engines {
    /// Whoever uses them is gone by now.
    fn drop(&mut self) {
        let prefix = self.prefix();
        let removed = std::panic::catch_unwind(|| {
            engine::block_on(async move { remove_topology(&engine::rabbitmq(), &prefix).await });
        });
        // A test that fails already is to say why, and not this.
        assert!(removed.is_ok() || std::thread::panicking(), "the topology was not removed");
    }
}
