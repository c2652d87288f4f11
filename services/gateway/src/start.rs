//! Starts the gateway on its public and its management port.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use souk_kit::{Deps, Running, StartError, config::ConfigError};
use souk_resilience::Breaker;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    compression::Compression,
    config::GatewayConfig,
    extras::Extras,
    files::Files,
    limits::Limits,
    management,
    metrics::{self, RouteSeries},
    proxy::{Proxy, RouteEntry},
    route::Route,
    routes,
    server::{self, Server},
    settings::Settings,
    shop_facts::FactsReader,
    storefront::{Catalogue, ShopFacts, Storefront},
    upstreams::Upstreams,
    visits::Visits,
};

/// Refusal to start.
const MANAGEMENT_OPEN: &str = "gateway.management-host: the management port has no credentials and would listen beyond this \
                               machine; leave the host out, or set SOUK_GATEWAY__MANAGEMENT_INSECURE=true if its network \
                               is closed";

/// Starts the gateway: customers on `public`, operators on `management`.
///
/// Errors: lists everything that is wrong with the configuration; a listener has no address.
pub async fn start(
    config: GatewayConfig,
    deps: &Deps,
    public: TcpListener,
    management: TcpListener,
    extras: Extras,
) -> Result<Running, StartError> {
    let settings = Settings::read(&config)?;
    let is_management_open = config.management_insecure;
    if !config.management_host.is_loopback() && !is_management_open {
        return Err(ConfigError(vec![MANAGEMENT_OPEN.to_owned()]).into());
    }
    let no_address = |error| StartError::Io("the gateway's listener".to_owned(), error);
    let address = public.local_addr().map_err(no_address)?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    metrics::describe(settings.routes.len());
    let upstreams = Upstreams::new(deps.peers.directory().clone(), deps.peers.local().clone(), config.connect_timeout);
    let (table, breakers) = routing_table(settings.routes, &config, deps);
    let facts = ShopFacts { name: deps.shop.name.clone(), url: deps.shop.public_url.trim_end_matches('/').to_owned() };
    let has_test_clock = extras.test_clock.is_some();
    let facts_reader = FactsReader::new(upstreams.clone(), Arc::new(deps.shop.clone()), has_test_clock);
    let storefront = extras.storefront.map(|archive| {
        let catalogue = Catalogue::new(upstreams.clone(), facts_reader.clone());
        Storefront::read(archive, facts.clone(), catalogue, Arc::clone(&deps.clock))
            .map_err(|error| StartError::Other(error.to_string()))
    });
    let storefront = storefront.transpose()?;
    let app = App {
        upstreams: upstreams.clone(),
        breakers: breakers.into(),
        routes: config.routes.clone().into(),
        peers: deps.peers.clone(),
        services: extras.services.into(),
        shop_is_ready: extras.shop_is_ready,
        registry: extras.registry,
        test_clock: extras.test_clock.map(|clock| Arc::new(Mutex::new(clock))),
        facts: facts_reader,
        visits: Arc::new(Visits::new(deps.shop.time_zone.clone())),
        clock: Arc::clone(&deps.clock),
        stop: stop.clone(),
    };
    let proxy = Proxy {
        table,
        upstreams,
        verifier: deps.verifier.clone(),
        ids: deps.ids.clone(),
        own: routes::router(app.clone(), deps.verifier.clone()),
        files: Files::new(extras.assets, storefront, &facts),
        compression: Compression::default(),
        limits: Limits::new(&config.rate_limit, settings.shared_buckets, &deps.clock),
        trusted_proxies: settings.trusted_proxies,
        clock: Arc::clone(&deps.clock),
        has_tls: deps.shop.public_url.starts_with("https://"),
        has_test_clock,
        max_uri_bytes: config.max_uri_bytes,
        request_body_timeout: config.request_body_timeout,
        active: metrics::active_requests(),
        own_series: RouteSeries::new("gateway", None),
        file_series: RouteSeries::new("files", None),
        rejected_series: RouteSeries::new("none", None),
        stop: stop.clone(),
    };
    let server = Arc::new(Server { proxy, http: server::http(&config), config, port: address.port() });
    tasks.spawn(server::accept(server, public, tasks.clone(), stop.clone()));
    let stopping = stop.clone();
    tasks.spawn(async move {
        let app = management::router(app, is_management_open).into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(management, app);
        if let Err(error) = serving.with_graceful_shutdown(stopping.cancelled_owned()).await {
            tracing::error!(service = "gateway", error = %error, "the management port failed");
        }
    });
    Ok(Running::new("gateway", address, stop, tasks))
}

/// Returns the routing table and the breakers in the order of their names. Routes to the same service share a breaker,
/// unless their filters name others.
fn routing_table(routes: Vec<Route>, config: &GatewayConfig, deps: &Deps) -> (Vec<RouteEntry>, Vec<Arc<Breaker>>) {
    let mut breakers: BTreeMap<String, Arc<Breaker>> = BTreeMap::new();
    let table = routes
        .into_iter()
        .map(|route| {
            let own = route.filters.breaker.as_ref().and_then(|filter| filter.name.as_deref());
            let name = own.unwrap_or_else(|| route.target.name());
            let settings = || config.breakers.get(name).unwrap_or(&config.breaker).clone();
            let breaker = breakers
                .entry(name.to_owned())
                .or_insert_with(|| Breaker::new("gateway", name, settings(), Arc::clone(&deps.clock)));
            let breaker = Arc::clone(breaker);
            let series = RouteSeries::new(&route.id, Some(&route.uri));
            RouteEntry { route, breaker, series }
        })
        .collect();
    (table, breakers.into_values().collect())
}
