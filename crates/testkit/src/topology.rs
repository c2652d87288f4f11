//! The exchanges and queues of one test on the broker: declared by the transport, removed with the test.

use std::{sync::Arc, time::Duration};

use souk_bus::{RabbitConfig, RabbitTransport, Transport};
use souk_values::{Clock, Secret};

use crate::engine;

/// The most time that a broker may take to be connected to.
const CONNECT: Duration = Duration::from_secs(20);

/// A transport on the broker under a prefix of its own; gone from the broker when this is dropped.
#[derive(Debug)]
pub struct OwnTopology {
    transport: Arc<RabbitTransport>,
    prefix: String,
}

impl OwnTopology {
    /// Declares everything under `prefix`.
    ///
    /// # Panics
    /// When the broker is not there.
    pub async fn declare(prefix: &str, clock: Arc<dyn Clock>) -> Self {
        let prefix = format!("{prefix}.");
        note_topology(&prefix).await;
        let config = RabbitConfig {
            url: Secret::new(engine::rabbitmq()),
            prefix: prefix.clone(),
            wakes: vec!["order."],
            name: "souk test".to_owned(),
        };
        let transport = Arc::new(RabbitTransport::open(config, clock).await.unwrap());
        let connected = tokio::time::timeout(CONNECT, async {
            while transport.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let is_connected = connected.await.is_ok();
        assert!(is_connected, "{}", transport.ping().await.unwrap_err());
        Self { transport, prefix }
    }

    /// The transport.
    #[must_use]
    pub fn transport(&self) -> Arc<RabbitTransport> {
        Arc::clone(&self.transport)
    }
}

/// Notes that `prefix` is in use on the broker, and removes what tests left there whose process is gone:
/// queues keep files open, and a broker has only so many.
///
/// # Panics
/// When the note cannot be written.
pub async fn note_topology(prefix: &str) {
    let notes = std::env::temp_dir().join("souk-test-topologies");
    std::fs::create_dir_all(&notes).unwrap();
    std::fs::write(notes.join(prefix), std::process::id().to_string()).unwrap();
    for note in std::fs::read_dir(&notes).unwrap().filter_map(Result::ok) {
        // Another test may be removing the same.
        let Ok(process) = std::fs::read_to_string(note.path()) else { continue };
        if !process.is_empty() && !std::path::Path::new("/proc").join(process).exists() {
            remove_topology(&engine::rabbitmq(), &note.file_name().to_string_lossy()).await;
        }
    }
}

impl Drop for OwnTopology {
    fn drop(&mut self) {
        // It would declare again what it sees vanish.
        self.transport.stop();
        let prefix = self.prefix.clone();
        engine::block_on(async move { remove_topology(&engine::rabbitmq(), &prefix).await });
    }
}

/// Removes every exchange and queue under `prefix` from the broker at `url`.
///
/// # Panics
/// When the broker is not there, or refuses.
pub async fn remove_topology(url: &str, prefix: &str) {
    RabbitTransport::remove_everything_at(&Secret::new(url.to_owned()), prefix).await.unwrap();
    // Another test may have removed the same.
    let _ = std::fs::remove_file(std::env::temp_dir().join("souk-test-topologies").join(prefix));
}
