//! Opens the bus that a configuration names: RabbitMQ, or the embedded shop's own.

use std::sync::Arc;

use souk_bus::{BusError, LocalTransport, RabbitConfig, RabbitTransport, Transport};
use souk_kit::{StartError, config::ConfigError};
use souk_sql::Access;
use souk_values::{Clock, SystemClock};

use crate::{folder::Folder, process_config::BusConfig, settings::Settings};

/// Connects to RabbitMQ, in the background, for the services `names` of this process.
pub async fn connect(config: &BusConfig, names: &[&str], clock: Arc<dyn Clock>) -> Result<RabbitTransport, StartError> {
    let config = RabbitConfig {
        url: config.url.clone(),
        prefix: config.prefix.clone(),
        // Only order's own events wake the requests and streams that wait for a change of an order.
        signal_types: if names.contains(&"order") { vec!["order."] } else { Vec::new() },
        connection_name: format!("souk {}", names.join(" ")),
    };
    Ok(RabbitTransport::open(config, clock).await?)
}

/// Opens the bus of `souk up`: RabbitMQ if it is configured, otherwise the folder's own.
pub async fn open_embedded(
    config: &BusConfig,
    folder: &Folder,
    names: &[&str],
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, StartError> {
    if config.is_local()? {
        Ok(Arc::new(LocalTransport::open(&folder.store_url("bus"), Access::ReadWrite, clock).await?))
    } else {
        Ok(Arc::new(connect(config, names, clock).await?))
    }
}

/// A bus opened by an operator's command.
#[derive(Debug)]
pub enum OpenBus {
    Local(LocalTransport),
    Rabbit(RabbitTransport),
}

impl OpenBus {
    /// Opens the bus of `settings`. `access` concerns the local bus, whose file only one process may write.
    pub async fn open(settings: &Settings, access: Access) -> Result<Self, BusError> {
        let invalid = |error: ConfigError| BusError::Configuration(error.0.join("; "));
        let config = settings.bus().map_err(invalid)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        if let (Some(folder), true) = (settings.folder(), config.is_local().map_err(invalid)?) {
            return Ok(Self::Local(LocalTransport::open(&folder.store_url("bus"), access, clock).await?));
        }
        config.must_be_shared().map_err(invalid)?;
        Ok(Self::Rabbit(RabbitTransport::inspect(&config.url, &config.prefix, clock).await?))
    }

    pub fn transport(&self) -> &dyn Transport {
        match self {
            Self::Local(bus) => bus,
            Self::Rabbit(bus) => bus,
        }
    }
}
