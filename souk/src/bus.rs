//! The bus that a configuration names: RabbitMQ, or the embedded shop's own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use souk_bus::{BusError, LocalTransport, RabbitConfig, RabbitTransport, Transport, rabbit::QueueDepth};
use souk_events::Envelope;
use souk_kit::{StartError, config::ConfigError};
use souk_sql::Access;
use souk_values::{Clock, Secret, SystemClock};

use crate::{CommandError, folder::Folder, settings::Settings};

/// Why a process of `souk serve` needs a broker.
const LOCAL_IS_REFUSED: &str = "the local bus works only inside 'souk up': set SOUK_BUS__URL to the shop's RabbitMQ, \
                                such as amqp://user:password@host:5672/%2f";

/// The section `bus`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BusConfig {
    /// `bus.url`: the broker, `amqp://user:password@host:5672/%2f` or `amqps://…`. Empty, the default: the
    /// local bus, which there is inside `souk up` only.
    pub url: Secret,
    /// `bus.prefix`: what goes before the name of every exchange and queue, so that several shops may share
    /// a broker. Empty, the default: nothing.
    pub prefix: String,
}

impl BusConfig {
    /// Whether this is the local bus. Errors: it is neither that nor RabbitMQ.
    pub fn is_local(&self) -> Result<bool, ConfigError> {
        match self.url.expose().split_once("://") {
            Some(("amqp" | "amqps", _)) => Ok(false),
            None if self.url.expose().is_empty() => Ok(true),
            _ => Err(ConfigError(vec!["bus.url begins with amqp:// or amqps://".to_owned()])),
        }
    }

    /// Errors: this is not a broker that processes can share.
    pub fn must_be_shared(&self) -> Result<(), ConfigError> {
        match self.is_local() {
            Ok(false) => Ok(()),
            Ok(true) => Err(ConfigError(vec![format!("bus.url is not set, and {LOCAL_IS_REFUSED}")])),
            Err(_) => {
                let sentence = format!("bus.url does not begin with amqp:// or amqps://, and {LOCAL_IS_REFUSED}");
                Err(ConfigError(vec![sentence]))
            }
        }
    }

    /// Connects, in the background, the services `names` of this process.
    pub async fn connect(&self, names: &[&str], clock: Arc<dyn Clock>) -> Result<RabbitTransport, StartError> {
        let config = RabbitConfig {
            url: self.url.clone(),
            prefix: self.prefix.clone(),
            // Requests that wait and streams are woken by order's own events, and by nothing else.
            wakes: if names.contains(&"order") { vec!["order."] } else { Vec::new() },
            name: format!("souk {}", names.join(" ")),
        };
        Ok(RabbitTransport::open(config, clock).await?)
    }
}

/// The bus of `souk up`: RabbitMQ if it is configured, else the folder's own.
pub async fn of_embedded(
    config: &BusConfig,
    folder: &Folder,
    names: &[&str],
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, StartError> {
    if config.is_local()? {
        Ok(Arc::new(LocalTransport::open(&folder.store_url("bus"), Access::ReadWrite, clock).await?))
    } else {
        Ok(Arc::new(config.connect(names, clock).await?))
    }
}

/// What an operator's command sees of a shop's bus.
#[derive(Debug)]
pub enum Looked {
    /// The folder's own.
    Local(LocalTransport),
    /// RabbitMQ.
    Rabbit(RabbitTransport),
}

impl Looked {
    /// Opens the bus of `settings`; `access` is for the local one, whose file only one process writes.
    pub async fn open(settings: &Settings, access: Access) -> Result<Self, BusError> {
        let wrong = |error: ConfigError| BusError::Configuration(error.0.join("; "));
        let config = settings.bus().map_err(wrong)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if let (Some(folder), true) = (settings.folder(), config.is_local().map_err(wrong)?) {
            return Ok(Self::Local(LocalTransport::open(&folder.store_url("bus"), access, clock).await?));
        }
        config.must_be_shared().map_err(wrong)?;
        Ok(Self::Rabbit(RabbitTransport::inspect(&config.url, &config.prefix, clock).await?))
    }

    /// The same for a command that cannot go on without.
    pub async fn at(settings: &Settings, access: Access) -> Result<Self, CommandError> {
        Self::open(settings, access).await.map_err(CommandError::failed)
    }

    /// The bus itself.
    pub fn transport(&self) -> &dyn Transport {
        match self {
            Self::Local(bus) => bus,
            Self::Rabbit(bus) => bus,
        }
    }

    /// Everything that waits in the local bus's queues. A broker shows only how much does.
    pub async fn queued(&self) -> Result<Vec<Envelope>, BusError> {
        match self {
            Self::Local(bus) => bus.queued().await,
            Self::Rabbit(_) => Ok(Vec::new()),
        }
    }

    /// How much is in each queue of a broker.
    pub async fn depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        match self {
            Self::Local(_) => Ok(Vec::new()),
            Self::Rabbit(bus) => bus.queue_depths().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_share_a_broker() {
        let at = |url: &str| BusConfig { url: Secret::new(url.to_owned()), ..BusConfig::default() };
        at("amqp://guest:guest@localhost").must_be_shared().unwrap();
        at("amqps://mq").must_be_shared().unwrap();
        for url in ["", "sqlite:bus.db", "amqp:", "local"] {
            let refused = at(url).must_be_shared().unwrap_err().to_string();
            assert!(refused.contains("only inside 'souk up'") && refused.contains("SOUK_BUS__URL"), "{refused}");
        }
        assert!(at("").is_local().unwrap() && !at("amqp://mq").is_local().unwrap());
        assert!(at("redis://mq").is_local().is_err());
    }
}
