//! The engines of one shop under test: its own databases, keys and queues, removed after the test.

use std::collections::BTreeMap;

use souk_testkit::{
    engine::{self, Stores},
    register_topology, remove_topology,
};

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
    #[must_use]
    pub fn new() -> Self {
        let engines = Self { stores: Stores::new(), others: BTreeMap::new() };
        let prefix = engines.prefix();
        engine::block_on(async move { register_topology(&prefix).await });
        engines
    }

    /// Returns the URL of the store of the service `name`.
    pub fn store_url(&self, name: &str) -> String {
        self.stores.url(name)
    }

    /// Returns the variables that make souk use these engines.
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

    /// Overrides one variable: with a proxy's address, or that of an engine which the test started itself.
    pub fn put(&mut self, variable: &str, url: String) {
        self.others.insert(variable.to_owned(), url);
    }

    /// Returns the prefix of every exchange and queue.
    pub fn prefix(&self) -> String {
        format!("{}.", self.stores.prefix())
    }
}

impl Drop for Engines {
    /// Runs when the processes that use them have ended.
    fn drop(&mut self) {
        let prefix = self.prefix();
        let removed = std::panic::catch_unwind(|| {
            engine::block_on(async move { remove_topology(&engine::rabbitmq(), &prefix).await });
        });
        // A second panic would hide the reason why the test failed.
        assert!(removed.is_ok() || std::thread::panicking(), "the topology was not removed");
    }
}
