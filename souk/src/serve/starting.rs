//! Starts each service of the process: the gateway at once, the others as soon as their engines are there.

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
    deps: &Deps,
    stop: &CancellationToken,
) -> Result<Option<Running>, StartError> {
    let name = section.name();
    let urls: Vec<String> = section.store_urls().into_iter().map(ToOwned::to_owned).collect();
    let listener = listeners.own;
    let started = match section {
        Section::Auth(config) => {
            let build = async || {
                let (service, first_admin) = souk_auth::build(config.clone(), deps).await?;
                if let Some(admin) = first_admin {
                    introduce(&admin);
                }
                Ok(service)
            };
            let build = async || or_named(build().await, &urls).await;
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Product(config) => {
            let build = async || {
                let built = souk_product::build(config.clone(), deps).await;
                or_named(built.map(|(service, _)| service), &urls).await
            };
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Order(config) => {
            let build = async || or_named(souk_order::build(config.clone(), deps).await, &urls).await;
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Cart(config) => {
            let build = async || or_named(souk_cart::build(config.clone(), deps).await, &urls).await;
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Payment(config) => {
            let build = async || {
                let built = Box::pin(souk_payment::build((*config).clone(), deps)).await;
                or_named(built, &urls).await
            };
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Notification(config) => {
            let build = async || or_named(souk_notification::build(config.clone(), deps).await, &urls).await;
            start_patiently(name, listener, deps, stop, || Box::pin(build())).await
        }
        Section::Gateway(config) => start_gateway(*config, listener, listeners.management, deps).await.map(Some),
    }?;
    if let Some(running) = &started {
        tracing::info!(service = name, address = %running.address, "serving");
    }
    Ok(started)
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

async fn or_named(built: Result<Service, StartError>, urls: &[String]) -> Result<Service, StartError> {
    match built {
        Err(error) => Err(named(error, urls).await),
        built => built,
    }
}

/// The error with the places of the stores that it is about, and the plain reason if nothing listens there.
async fn named(error: StartError, urls: &[String]) -> StartError {
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
