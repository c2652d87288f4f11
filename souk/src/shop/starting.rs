//! Builds and starts the services beside the gateway.

use souk_auth::FirstAdmin;
use souk_discovery::DiscoveryConfig;
use souk_kit::{Deps, Running};
use souk_product::ProductStore;
use tokio::net::TcpListener;

use crate::{
    building,
    command_error::CommandError,
    first_admin,
    services::{Role, Section},
};

pub struct Started {
    pub services: Vec<Running>,
    pub products: ProductStore,
    /// The admin that auth created with a configured password.
    pub first_admin: Option<FirstAdmin>,
}

/// Builds the services of `sections` except the gateway, then starts each on its listener.
pub async fn start(
    sections: &[Section],
    listeners: Vec<(&'static str, TcpListener)>,
    deps: &Deps,
) -> Result<Started, CommandError> {
    let mut built = Vec::with_capacity(listeners.len());
    let mut products = None;
    let mut first_admin = None;
    for section in sections.iter().filter(|section| section.service.role != Role::Gateway) {
        // The lease of an instance must not expire because a test moves the shop's clock.
        let is_registry = section.config::<DiscoveryConfig>().is_some();
        let deps = if is_registry { &building::on_machine_time(deps) } else { deps };
        let mut parts = building::build(section, deps).await.map_err(CommandError::failed)?;
        if let Some(admin) = parts.take::<FirstAdmin>() {
            if admin.generated {
                // The password exists nowhere else: print it before anything can fail.
                first_admin::print(&admin);
            } else {
                first_admin = Some(admin);
            }
        }
        products = products.or(parts.take());
        built.push(parts);
    }
    let mut services = Vec::with_capacity(built.len());
    for (name, listener) in listeners {
        let Some(position) = built.iter().position(|parts| parts.name == name) else { continue };
        let started = souk_kit::start(built.swap_remove(position), listener, deps);
        let failed = |error| CommandError::failed(format!("{name} cannot be started: {error}"));
        services.push(started.map_err(failed)?);
    }
    let products = products.ok_or_else(|| CommandError::failed("the shop has no product service"))?;
    Ok(Started { services, products, first_admin })
}
