//! Builds the services of a process: their shared resources, and each from its section.

use std::sync::Arc;

use souk_bus::{Announcement, Transport};
use souk_kit::{
    Deps, Peers, ServiceParts, ShopConfig, StartError,
    auth::{RemoteAuthority, VERIFIER, Verifier},
    call::Directory,
    trace_export::TraceExport,
};
use souk_sql::SqlError;
use souk_values::{Clock, IdGen, SystemClock};

use crate::{address, command_error::CommandError, process_config::TraceConfig, services::Section};

pub fn make_deps(
    shop: ShopConfig,
    directory: Directory,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: IdGen,
) -> Result<Deps, CommandError> {
    let secret = shop.service_secret.clone();
    let peers = Peers::new(directory, secret, Arc::clone(&clock), ids.clone()).map_err(CommandError::failed)?;
    let verifier = Verifier::new(RemoteAuthority::new(&peers, VERIFIER), Arc::clone(&clock));
    Ok(Deps { clock, ids, transport, peers, verifier, shop })
}

/// Exports the spans of this process from now on, if a collector is configured.
pub fn export_traces(config: Option<TraceConfig>) -> Result<Option<TraceExport>, CommandError> {
    let start = |config: TraceConfig| TraceExport::start(config.collector, config.ratio);
    config.map(start).transpose().map_err(CommandError::failed)
}

/// Returns `deps` with the machine's clock, for the terms of the network, which `--test-clock` does not move.
pub fn on_machine_time(deps: &Deps) -> Deps {
    Deps { clock: Arc::new(SystemClock), ..deps.clone() }
}

/// Builds the service of `section`. An error of its store names the store.
pub async fn build(section: &Section, deps: &Deps) -> Result<ServiceParts, StartError> {
    match Box::pin(section.build(deps)).await {
        Err(error) => Err(with_address(error, &section.store_urls()).await),
        built => built,
    }
}

/// Adds the addresses `urls` to an error of the store, and the reason when nothing listens there.
async fn with_address(error: StartError, urls: &[&str]) -> StartError {
    let addresses = urls.iter().map(|url| address::redacted(url)).collect::<Vec<_>>().join(", ");
    match error {
        StartError::Store(SqlError::Unavailable(cause)) => {
            for url in urls {
                if let Err(error) = address::probe(url).await {
                    let address = address::redacted(url);
                    return StartError::Store(SqlError::Unavailable(format!("{address}: {error}")));
                }
            }
            StartError::Store(SqlError::Unavailable(format!("{addresses}: {cause}")))
        }
        StartError::Store(SqlError::Failed(cause)) => {
            StartError::Store(SqlError::Failed(format!("{addresses}: {cause}")))
        }
        other => other,
    }
}

/// Returns the config server's publisher of refresh events, which all processes on the bus receive.
pub fn refresh_publisher(deps: &Deps) -> souk_config_server::RefreshPublisher {
    let transport = Arc::clone(&deps.transport);
    Arc::new(move |event: souk_config_server::RefreshEvent| {
        let transport = Arc::clone(&transport);
        Box::pin(async move {
            let event = serde_json::to_value(event).map_err(|error| error.to_string())?;
            transport.announce(Announcement(Arc::new(event))).await.map_err(|error| error.to_string())
        })
    })
}
