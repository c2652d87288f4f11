//! The registry of services: any Eureka client registers here and finds the others.

pub mod config;
pub mod overview;
pub mod registry;

mod admission;
mod app;
mod bodies;
mod metrics;
mod negotiation;
mod page;
mod replication;
mod request_body;
mod routes;
mod security;
mod timers;

use std::sync::Arc;

use souk_kit::{Deps, Service, StartError};

pub use config::DiscoveryConfig;
pub use routes::openapi;

use app::App;
use security::Gate;

/// The service, ready to be started. It serves at once; what its peers know it reads in the background.
///
/// Errors: the configuration makes no sense.
#[expect(clippy::unused_async, reason = "as every service is built")]
pub async fn build(config: DiscoveryConfig, deps: &Deps) -> Result<Service, StartError> {
    let gate = Gate::new(&config.security);
    let app = App::new(config, deps)?;
    if gate.is_none() && app.config.is_public {
        tracing::warn!(
            "anybody who reaches this discovery server may register and read; set discovery.security.user and \
             discovery.security.password to change that"
        );
    }
    metrics::begin();
    let mut service = Service::new("discovery", routes::router(app.clone()), openapi()).without_bus();
    for peer in app.replicas.iter() {
        let (app, peer) = (app.clone(), Arc::clone(peer));
        service = service.running(move |stop| replication::send(app, peer, stop));
    }
    let [evicting, recounting, sweeping, looking, syncing] = std::array::from_fn(|_| app.clone());
    service = service
        .running(move |stop| timers::evict(evicting, stop))
        .running(move |stop| timers::recount(recounting, stop))
        .running(move |stop| timers::sweep(sweeping, stop))
        .running(move |stop| timers::look(looking, stop))
        .running(move |stop| replication::sync(syncing, stop));
    Ok(match gate {
        Some(gate) => service.guarded(move |routes| gate.guard(routes)),
        None => service,
    })
}
