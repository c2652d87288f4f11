//! Starts each service of the process: the gateway at once, the others as soon as their engines are there.

use std::{net::IpAddr, sync::Arc};

use souk_bus::Announcement;
use souk_gateway::{Extras, GatewayConfig};
use souk_kit::{Deps, Running, Service, StartError, start_patiently};
use souk_sql::SqlError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Listeners, configuration::Section};
use crate::{address, assets, services::with_store};

/// Starts the service of `section`. `None` when `stop` was cancelled before it could be.
pub async fn start(
    section: Section,
    listeners: Listeners,
    (deps, process): (&Deps, &Process),
    stop: &CancellationToken,
) -> Result<Option<Running>, StartError> {
    let name = section.name();
    let started = match section {
        Section::Gateway(config) => start_gateway(*config, listeners.own, listeners.management, deps).await.map(Some),
        section => {
            let build = || build(&section, deps, process);
            start_patiently(name, listeners.own, deps, stop, || Box::pin(build())).await
        }
    }?;
    if let Some(running) = &started {
        tracing::info!(service = name, address = %running.address, "serving");
    }
    Ok(started)
}

/// What a service must know of the process that it is in.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    /// Where it listens.
    pub host: IpAddr,
    /// Whether it is on the shop's bus.
    pub has_bus: bool,
}

/// Makes the service of `section`, which is not the gateway's.
pub async fn build(section: &Section, deps: &Deps, process: &Process) -> Result<Service, StartError> {
    let built = match section {
        Section::Auth(config) => {
            let made = souk_auth::build(config.clone(), deps).await;
            made.map(|(service, first_admin)| {
                if let Some(admin) = first_admin {
                    introduce(&admin);
                }
                service
            })
        }
        Section::Product(config) => souk_product::build(config.clone(), deps).await.map(|(service, _)| service),
        Section::Order(config) => souk_order::build(config.clone(), deps).await,
        Section::Cart(config) => souk_cart::build(config.clone(), deps).await,
        Section::Payment(config) => Box::pin(souk_payment::build((**config).clone(), deps)).await,
        Section::Notification(config) => souk_notification::build(config.clone(), deps).await,
        Section::Discovery(config) => {
            let config = souk_discovery::DiscoveryConfig { is_public: !process.host.is_loopback(), ..config.clone() };
            souk_discovery::build(config, deps).await
        }
        Section::ConfigServer(config) => {
            let extras = souk_config_server::Extras {
                is_loopback: process.host.is_loopback(),
                default_backend: None,
                refresh: process.has_bus.then(|| telling(deps)),
            };
            souk_config_server::build((**config).clone(), deps, extras).await
        }
        Section::Gateway(_) => Err(StartError::Other("the gateway is started by other means".to_owned())),
    };
    match built {
        Err(error) => Err(named(error, &section.store_urls()).await),
        built => built,
    }
}

/// Tells all processes on the bus that the configuration has changed.
pub fn telling(deps: &Deps) -> souk_config_server::Refresh {
    let transport = Arc::clone(&deps.transport);
    Arc::new(move |event: souk_config_server::RefreshEvent| {
        let transport = Arc::clone(&transport);
        Box::pin(async move {
            let event = serde_json::to_value(event).map_err(|error| error.to_string())?;
            transport.announce(Announcement(Arc::new(event))).await.map_err(|error| error.to_string())
        })
    })
}

async fn start_gateway(
    config: GatewayConfig,
    listener: tokio::net::TcpListener,
    management: Option<tokio::net::TcpListener>,
    deps: &Deps,
) -> Result<Running, StartError> {
    let management = management.ok_or_else(|| StartError::Other("the gateway has no management port".to_owned()))?;
    // Nothing is loaded here: a distributed shop is filled by 'souk import'.
    let (_, shop_is_ready) = watch::channel(true);
    let services = with_store().collect();
    let extras = Extras { test_clock: None, assets: Some(assets::asset), shop_is_ready, services };
    souk_gateway::start(config, deps, listener, management, extras).await
}

/// The error with the places of the stores that it is about, and the plain reason if nothing listens there.
async fn named(error: StartError, urls: &[&str]) -> StartError {
    let place = urls.iter().map(|url| address::shown(url)).collect::<Vec<_>>().join(", ");
    match error {
        StartError::Store(SqlError::Unavailable(cause)) => {
            for url in urls {
                if let Err(error) = address::knock(url).await {
                    let place = address::shown(url);
                    return StartError::Store(SqlError::Unavailable(format!("{place}: {error}")));
                }
            }
            StartError::Store(SqlError::Unavailable(format!("{place}: {cause}")))
        }
        StartError::Store(SqlError::Failed(cause)) => StartError::Store(SqlError::Failed(format!("{place}: {cause}"))),
        other => other,
    }
}

/// Tells who the first admin is: the password, if it was made here, this once and never in a log.
pub fn introduce(admin: &souk_auth::FirstAdmin) {
    if admin.generated {
        println!("First admin    {}   password {}   (shown this once)", admin.email, admin.password.expose());
    } else {
        println!("First admin    {}   with the password you configured", admin.email);
    }
}
