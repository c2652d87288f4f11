//! Starts each service of the process: the gateway immediately, the others as soon as their engines are available.

use std::sync::Arc;

use souk_gateway::{Extras, GatewayConfig};
use souk_kit::{Deps, Running, ServiceParts, StartError, discovery::Registry, start_when_ready};
use souk_values::Secret;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::listening::Listeners;
use crate::{
    assets, building, first_admin,
    services::{Section, with_store},
    settings::DISCOVERY_URL,
};

/// Starts the service of `section`. Returns `None` when `stop` was cancelled before it could be built.
pub async fn start(
    section: Section,
    listeners: Listeners,
    deps: &Deps,
    stop: &CancellationToken,
) -> Result<Option<Running>, StartError> {
    let name = section.name();
    let started = match section.config::<GatewayConfig>() {
        Some(config) => Some(start_gateway(config.clone(), listeners, deps).await?),
        None => start_when_ready(name, listeners.own, deps, stop, || Box::pin(build(&section, deps))).await?,
    };
    if let Some(running) = &started {
        tracing::info!(service = name, address = %running.address, "serving");
    }
    Ok(started)
}

async fn build(section: &Section, deps: &Deps) -> Result<ServiceParts, StartError> {
    let mut parts = building::build(section, deps).await?;
    first_admin::print_if_created(&mut parts);
    Ok(parts)
}

/// Returns the reader of the registry at `SOUK_DISCOVERY_URL`, if that is set.
fn registry(deps: &Deps) -> Result<Option<Registry>, StartError> {
    let Ok(urls) = std::env::var(DISCOVERY_URL) else { return Ok(None) };
    Registry::new(&Secret::new(urls), Arc::clone(&deps.clock)).map(Some).map_err(StartError::Other)
}

async fn start_gateway(config: GatewayConfig, listeners: Listeners, deps: &Deps) -> Result<Running, StartError> {
    let no_port = || StartError::Other("the gateway has no management port".to_owned());
    let management = listeners.management.ok_or_else(no_port)?;
    // A distributed shop loads no catalogue at its start: 'souk import' fills it.
    let (_, shop_is_ready) = watch::channel(true);
    let services = with_store().map(|service| service.name).collect();
    let storefront = Some(assets::STOREFRONT);
    let extras = Extras {
        test_clock: None,
        storefront,
        assets: Some(assets::asset),
        shop_is_ready,
        registry: registry(deps)?,
        services,
    };
    souk_gateway::start(config, deps, listeners.own, management, extras).await
}
