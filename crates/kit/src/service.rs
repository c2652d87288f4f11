//! What a service is to the frame: routes, consumers, an outbox, tasks, and what it was given.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use souk_bus::{Consumer, Outbox, Stamper, Transport};
use souk_sql::{Connections, Db};
use souk_values::{Clock, Currency, IdGen, Secret};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

use crate::{auth::Verifier, call::Peers};

/// How often the store's connections are counted.
const LOOK_AT_CONNECTIONS: Duration = Duration::from_secs(5);

/// What every service is given. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Deps {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Ids and random bits.
    pub ids: IdGen,
    /// Between services.
    pub transport: Arc<dyn Transport>,
    /// The other services.
    pub peers: Peers,
    /// Tokens.
    pub verifier: Verifier,
    /// What all services know of the shop.
    pub shop: ShopConfig,
}

impl Deps {
    /// Puts this service's events into envelopes.
    #[must_use]
    pub fn stamper(&self) -> Stamper {
        Stamper::new(self.ids.clone(), Arc::clone(&self.clock))
    }
}

/// The section `shop`: what all services know of the shop.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopConfig {
    /// ISO 4217; every price and order is in it. EUR.
    pub currency: Currency,
    /// Shown in mails and on pages. "Souk".
    pub name: String,
    /// Where customers reach the shop, for links in mails. <http://localhost:8080>.
    pub public_url: String,
    /// What auth gives service tokens for; the same for all services of a shop. Empty: none are given.
    pub service_secret: Secret,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            currency: Currency::EUR,
            name: "Souk".to_owned(),
            public_url: "http://localhost:8080".to_owned(),
            service_secret: Secret::default(),
        }
    }
}

/// Why a service could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its store cannot be opened or migrated.
    #[error(transparent)]
    Store(#[from] souk_sql::SqlError),
    /// The bus cannot be opened.
    #[error(transparent)]
    Bus(#[from] souk_bus::BusError),
    /// Its configuration is wrong.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A file, a port or a folder.
    #[error("{0}: {1}")]
    Io(String, #[source] std::io::Error),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Other(String),
}

impl StartError {
    /// Whether what failed may come right by itself, so that it makes sense to try again: an engine that
    /// is away or busy. A wrong configuration does not.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Store(error) | Self::Bus(souk_bus::BusError::Store(error)) => {
                matches!(error, souk_sql::SqlError::Unavailable(_) | souk_sql::SqlError::Busy(_))
            }
            Self::Bus(souk_bus::BusError::Unavailable(_)) => true,
            Self::Bus(_) | Self::Config(_) | Self::Io(..) | Self::Other(_) => false,
        }
    }
}

/// Background work: runs until the token is cancelled, then ends by itself.
pub type Task = Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>;

/// Stands before all routes of a service, the frame's own included.
pub type Guard = Box<dyn FnOnce(axum::Router) -> axum::Router + Send>;

/// Whether something that the service needs works now; an error says what is wrong.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A service, ready to be started by [`crate::start`].
pub struct Service {
    /// `order`.
    pub name: &'static str,
    /// Its routes with their state.
    pub router: axum::Router,
    /// Their document.
    pub openapi: OpenApi,
    /// What it consumes.
    pub consumers: Vec<Consumer>,
    /// What it tells.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// What else it does.
    pub tasks: Vec<Task>,
    /// What readiness asks, by name.
    pub checks: Vec<(&'static str, Check)>,
    /// Whether it tells or consumes events, and so is ready only while the bus works.
    pub has_bus: bool,
    /// What lets requests in.
    pub guard: Option<Guard>,
}

impl Service {
    /// A service of routes only.
    #[must_use]
    pub fn new(name: &'static str, router: axum::Router, openapi: OpenApi) -> Self {
        Self {
            name,
            router,
            openapi,
            consumers: Vec::new(),
            outbox: None,
            tasks: Vec::new(),
            checks: Vec::new(),
            has_bus: true,
            guard: None,
        }
    }

    /// Neither tells nor consumes events: it is ready without a bus, and has no dead letters.
    #[must_use]
    pub fn without_bus(mut self) -> Self {
        self.has_bus = false;
        self
    }

    /// Lets `guard` lay itself over all routes, the frame's own included (`/health/**` is its to let through).
    #[must_use]
    pub fn guarded(mut self, guard: impl FnOnce(axum::Router) -> axum::Router + Send + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Consumes these queues too.
    #[must_use]
    pub fn consuming(mut self, consumers: impl IntoIterator<Item = Consumer>) -> Self {
        self.consumers.extend(consumers);
        self
    }

    /// Publishes what this outbox holds.
    #[must_use]
    pub fn telling(mut self, outbox: impl Outbox + 'static) -> Self {
        self.outbox = Some(Arc::new(outbox));
        self
    }

    /// Runs this in the background too.
    #[must_use]
    pub fn running<F>(mut self, task: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(Box::new(move |stop| Box::pin(task(stop))));
        self
    }

    /// Keeps its data in `db`: is ready only while that can be used, and shows its connections.
    #[must_use]
    pub fn keeping(self, db: Db) -> Self {
        let shown = db.clone();
        self.showing(move || shown.reader().connections()).needing("store", move || {
            let db = db.clone();
            async move { db.ping().await.map_err(|error| error.to_string()) }
        })
    }

    /// Shows the connections of its store, which `count` counts.
    #[must_use]
    pub fn showing(self, count: impl Fn() -> Connections + Send + Sync + 'static) -> Self {
        let name = self.name;
        self.running(move |stop| show_connections(name, count, stop))
    }

    /// Is ready only while this works.
    #[must_use]
    pub fn needing<F>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }
}

/// Shows how many of the store's connections are at work and how many are free, until `stop`.
async fn show_connections(service: &'static str, count: impl Fn() -> Connections + Send, stop: CancellationToken) {
    loop {
        let Connections { used, idle } = count();
        for (state, count) in [("used", used), ("idle", idle)] {
            metrics::gauge!("db_client_connections", "service" => service, "state" => state).set(f64::from(count));
        }
        // Real time: how often a gauge is looked at.
        tokio::select! { () = tokio::time::sleep(LOOK_AT_CONNECTIONS) => {}, () = stop.cancelled() => return }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("name", &self.name).finish_non_exhaustive()
    }
}
