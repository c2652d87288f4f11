//! The gateway: the one public port of the shop. It routes, verifies tokens, enforces limits, streams bodies through
//! unbuffered, and suspends calls to services that fail.

mod app;
mod client_stream;
mod compression;
mod config;
mod connection_state;
mod default_routes;
mod definition;
mod error;
mod extras;
mod fallback;
mod files;
mod filters;
mod forward;
mod head_scan;
mod headers;
mod limits;
mod management;
mod metrics;
mod networks;
mod path_pattern;
mod predicates;
mod proxy;
mod rate_limit_config;
mod raw_path;
mod response;
mod route;
mod route_config;
mod routes;
mod server;
mod settings;
mod shop_facts;
mod start;
mod storefront;
mod upload;
mod upstreams;
mod visits;

use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::GatewayConfig;
pub use definition::Definition;
pub use extras::{Asset, Extras, TestClock};
pub use limits::RateClass;
pub use rate_limit_config::{BucketConfig, RateLimitConfig};
pub use route_config::{RouteConfig, RouteMetadata};
pub use start::start;

/// The gateway is started by [`start`] instead of [`Service::build`]: it serves two ports with a server of its own.
#[derive(Debug)]
pub struct Gateway;

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const PORT: u16 = 8080;
    type Config = GatewayConfig;

    async fn build(_: GatewayConfig, _: &Deps) -> Result<ServiceParts, StartError> {
        Err(StartError::Other("the gateway has no service parts: start it with souk_gateway::start".to_owned()))
    }

    fn openapi() -> OpenApi {
        routes::openapi()
    }
}
