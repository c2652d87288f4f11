//! The exchanges and queues of one test on the broker, declared by its transport and removed with the test.

use std::{sync::Arc, time::Duration};

use souk_bus::{RabbitConfig, RabbitTransport, Transport};
use souk_values::{Clock, Secret};

use crate::engine;

/// Time limit for connecting to the broker.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A transport under its own prefix, whose exchanges and queues are removed when this is dropped.
#[derive(Debug)]
pub struct TestTopology {
    transport: Arc<RabbitTransport>,
    prefix: String,
}

impl TestTopology {
    /// Declares the topology under `prefix`.
    ///
    /// # Panics
    /// When the broker cannot be used.
    pub async fn declare(prefix: &str, clock: Arc<dyn Clock>) -> Self {
        let prefix = format!("{prefix}.");
        register_topology(&prefix).await;
        let config = RabbitConfig {
            url: Secret::new(engine::rabbitmq()),
            prefix: prefix.clone(),
            signal_types: vec!["order."],
            connection_name: "souk test".to_owned(),
        };
        let transport = Arc::new(RabbitTransport::open(config, clock).await.unwrap());
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, async {
            while transport.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let is_connected = connected.await.is_ok();
        assert!(is_connected, "{}", transport.ping().await.unwrap_err());
        Self { transport, prefix }
    }

    /// Returns the transport under this prefix.
    #[must_use]
    pub fn transport(&self) -> Arc<RabbitTransport> {
        Arc::clone(&self.transport)
    }
}

/// Registers `prefix` as in use by this process, and removes the topologies of processes that have ended: left alone, their
/// queues would exhaust the broker's file descriptors.
///
/// # Panics
/// When the register cannot be written.
pub async fn register_topology(prefix: &str) {
    let register = std::env::temp_dir().join("souk-test-topologies");
    std::fs::create_dir_all(&register).unwrap();
    std::fs::write(register.join(prefix), std::process::id().to_string()).unwrap();
    for entry in std::fs::read_dir(&register).unwrap().filter_map(Result::ok) {
        // Fails if another test is removing the same topology.
        let Ok(process) = std::fs::read_to_string(entry.path()) else { continue };
        if !process.is_empty() && !std::path::Path::new("/proc").join(process).exists() {
            remove_topology(&engine::rabbitmq(), &entry.file_name().to_string_lossy()).await;
        }
    }
}

impl Drop for TestTopology {
    fn drop(&mut self) {
        // A running transport declares missing queues again.
        self.transport.stop();
        let prefix = self.prefix.clone();
        engine::block_on(async move { remove_topology(&engine::rabbitmq(), &prefix).await });
    }
}

/// Removes all exchanges and queues under `prefix` from the broker at `url`.
///
/// # Panics
/// When the broker cannot be used or rejects the removal.
pub async fn remove_topology(url: &str, prefix: &str) {
    RabbitTransport::remove_everything_at(&Secret::new(url.to_owned()), prefix).await.unwrap();
    // Fails if another test has removed the same topology.
    let _ = std::fs::remove_file(std::env::temp_dir().join("souk-test-topologies").join(prefix));
}
