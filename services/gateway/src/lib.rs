//! The gateway: the one port that customers reach. It routes, checks tokens, keeps limits, passes
//! bodies through unbuffered, and stops asking a service that does not answer.

mod address_range;
mod answer;
mod app;
mod client_stream;
mod config;
mod conversation;
mod default_routes;
mod error;
mod exchange;
mod files;
mod gateway;
mod head_scan;
mod headers;
mod management;
mod metrics;
mod path_pattern;
mod raw_path;
mod route;
mod routes;
mod server;
mod trace;
mod upload;
mod upstreams;
mod visits;

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use souk_kit::{Deps, Running, StartError};
use souk_resilience::Breaker;
use souk_values::ShiftedClock;
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::openapi::OpenApi;

pub use config::{GatewayConfig, RouteConfig, RouteMetadata};

use crate::{
    app::{App, Known},
    config::Settings,
    files::Files,
    gateway::{Gateway, Line},
    metrics::RouteSeries,
    server::Server,
    upstreams::Upstreams,
    visits::Visits,
};

/// What the gateway is given beside what every service is.
pub struct Extras {
    /// The clock that an admin may move; `None` on the machine's own.
    pub test_clock: Option<TestClock>,
    /// The web shop's files by their path without a slash before it, such as `index.html`.
    pub assets: Option<fn(&str) -> Option<Asset>>,
    /// Becomes true once the sample catalogue is loaded, or none is wanted.
    pub shop_is_ready: watch::Receiver<bool>,
    /// The services that this build has.
    pub services: Vec<&'static str>,
}

/// A clock that an admin may move.
#[derive(Clone)]
pub struct TestClock {
    /// The clock that all services were given.
    pub clock: Arc<ShiftedClock>,
    /// Keeps the clock's offset for the next start. Called before the clock is moved; may block.
    pub keep: Arc<dyn Fn(Duration) -> std::io::Result<()> + Send + Sync>,
}

impl fmt::Debug for TestClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClock").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// A file of the web shop.
#[derive(Debug, Clone)]
pub struct Asset {
    /// `text/html; charset=utf-8`.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Cow<'static, [u8]>,
    /// `Cache-Control`.
    pub cache: &'static str,
}

/// The OpenAPI document of the gateway's own endpoints.
#[must_use]
pub fn openapi() -> OpenApi {
    routes::document()
}

/// Starts the gateway: customers on `public`, operators on `management`.
///
/// Errors: everything that is wrong with the configuration; a listener without an address.
#[expect(clippy::unused_async, reason = "it is started like the services, which open stores")]
pub async fn start(
    config: GatewayConfig,
    deps: &Deps,
    public: TcpListener,
    management: TcpListener,
    extras: Extras,
) -> Result<Running, StartError> {
    let settings = Settings::read(&config)?;
    let no_address = |error| StartError::Io("the gateway's listener".to_owned(), error);
    let address = public.local_addr().map_err(no_address)?;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let upstreams = Upstreams::new(deps.peers.directory().clone(), config.connect_timeout);
    let (table, breakers) = lay_table(settings.routes, &config, deps);
    let has_test_clock = extras.test_clock.is_some();
    let app = App(Arc::new(Known {
        upstreams: upstreams.clone(),
        breakers,
        services: extras.services,
        shop_is_ready: extras.shop_is_ready,
        test_clock: extras.test_clock.map(Mutex::new),
        visits: Visits::default(),
        clock: Arc::clone(&deps.clock),
        stop: stop.clone(),
    }));
    let gateway = Gateway {
        table,
        upstreams,
        verifier: deps.verifier.clone(),
        ids: deps.ids.clone(),
        own: routes::router(app.clone(), deps.verifier.clone()),
        files: Files::new(extras.assets, &deps.shop.name, &deps.shop.public_url),
        has_test_clock,
        max_uri_bytes: config.max_uri_bytes,
        request_body_timeout: config.request_body_timeout,
        active: metrics::active_requests(),
        own_series: RouteSeries::new("gateway", None),
        file_series: RouteSeries::new("files", None),
        refused_series: RouteSeries::new("none", None),
        stop: stop.clone(),
    };
    let server = Arc::new(Server {
        gateway,
        http: server::http(&config),
        trusted_proxies: settings.trusted_proxies,
        request_head_timeout: config.request_head_timeout,
        keep_alive_timeout: config.keep_alive_timeout,
        port: address.port(),
    });
    tasks.spawn(server::accept(server, public, config.max_connections, tasks.clone(), stop.clone()));
    let stopping = stop.clone();
    tasks.spawn(async move {
        let serving = axum::serve(management, management::router(app));
        if let Err(error) = serving.with_graceful_shutdown(stopping.cancelled_owned()).await {
            tracing::error!(service = "gateway", error = %error, "the management listener failed");
        }
    });
    Ok(Running::new("gateway", address, stop, tasks))
}

/// Gives each route its series and the breaker of its service, which routes to one service share.
fn lay_table(routes: Vec<route::Route>, config: &GatewayConfig, deps: &Deps) -> (Vec<Line>, Vec<Arc<Breaker>>) {
    metrics::show_routes(routes.len());
    let mut breakers: BTreeMap<String, Arc<Breaker>> = BTreeMap::new();
    let table = routes
        .into_iter()
        .map(|route| {
            let name = route.target.name();
            let breaker = breakers
                .entry(name.to_owned())
                .or_insert_with(|| Breaker::new("gateway", name, config.breaker.clone(), Arc::clone(&deps.clock)));
            let breaker = Arc::clone(breaker);
            let series = RouteSeries::new(&route.id, Some(&route.uri));
            Line { route, breaker, series }
        })
        .collect();
    (table, breakers.into_values().collect())
}
