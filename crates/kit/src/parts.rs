//! An assembled service: its routes, consumers, outbox and background work, before the process starts it.

use std::{any::Any, sync::Arc, time::Duration};

use axum::Router;
use futures::future::BoxFuture;
use souk_bus::{Consumer, Outbox};
use souk_resilience::Breaker;
use souk_sql::{ConnectionCounts, Db};
use utoipa::openapi::OpenApi;

use crate::{
    metrics,
    tasks::{self, Task},
};

/// Period of the gauge `db_client_connections`.
const CONNECTIONS_PERIOD: Duration = Duration::from_secs(5);

/// A layer over all routes of a service, the frame's own included.
pub type Guard = Box<dyn FnOnce(Router) -> Router + Send>;

/// A readiness check; the error is a sentence for operators.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// A service that is ready to be started by [`crate::start`].
pub struct ServiceParts {
    /// Name, as in [`crate::Service::NAME`].
    pub name: &'static str,
    /// The service's own routes, with their state.
    pub router: Router,
    /// OpenAPI document of `router`.
    pub openapi: OpenApi,
    /// Consumers of the service's queues.
    pub consumers: Vec<Consumer>,
    /// Outbox that the relay publishes from; `None` for a service without events.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// Background work, started with the service.
    pub tasks: Vec<Task>,
    /// Readiness checks by name.
    pub checks: Vec<(&'static str, Check)>,
    /// Breakers of its calls to others than peers, such as a mail server.
    pub breakers: Vec<Arc<Breaker>>,
    /// False for a service that is ready without a bus.
    pub has_bus: bool,
    /// Layer over all routes.
    pub guard: Option<Guard>,
    /// Public facts about the service that `/info` shows, such as the name of its payment provider.
    pub facts: serde_json::Map<String, serde_json::Value>,
    provided: Vec<Box<dyn Any + Send>>,
}

impl ServiceParts {
    /// Returns a service of routes only.
    #[must_use]
    pub fn new(name: &'static str, router: Router, openapi: OpenApi) -> Self {
        Self {
            name,
            router,
            openapi,
            consumers: Vec::new(),
            outbox: None,
            tasks: Vec::new(),
            checks: Vec::new(),
            breakers: Vec::new(),
            has_bus: true,
            guard: None,
            facts: serde_json::Map::new(),
            provided: Vec::new(),
        }
    }

    /// Marks a service that neither publishes nor consumes: it is ready without a bus and has no dead letters.
    #[must_use]
    pub fn without_bus(mut self) -> Self {
        self.has_bus = false;
        self
    }

    /// Lays `guard` over all routes. Probes go through it too: `/health/**` is the guard's to let through.
    #[must_use]
    pub fn guarded(mut self, guard: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Adds a public fact to `/info`.
    #[must_use]
    pub fn with_fact(mut self, name: &str, fact: impl Into<serde_json::Value>) -> Self {
        self.facts.insert(name.to_owned(), fact.into());
        self
    }

    /// Adds consumers of the service's queues.
    #[must_use]
    pub fn consuming(mut self, consumers: impl IntoIterator<Item = Consumer>) -> Self {
        self.consumers.extend(consumers);
        self
    }

    /// Lists `breakers` among those of the service. Those of its calls to peers are listed anyway.
    #[must_use]
    pub fn listing_breakers(mut self, breakers: impl IntoIterator<Item = Arc<Breaker>>) -> Self {
        self.breakers.extend(breakers);
        self
    }

    /// Publishes the events of `outbox`.
    #[must_use]
    pub fn publishing(mut self, outbox: impl Outbox + 'static) -> Self {
        self.outbox = Some(Arc::new(outbox));
        self
    }

    /// Adds background work that starts with the service.
    #[must_use]
    pub fn running(mut self, tasks: impl IntoIterator<Item = Task>) -> Self {
        self.tasks.extend(tasks);
        self
    }

    /// Stores the service's data in `db`: readiness depends on it, and its connections are counted.
    #[must_use]
    pub fn storing_in(self, db: Db) -> Self {
        let counted = db.clone();
        self.counting_connections(move || counted.reader().connections()).ready_when("store", move || {
            let db = db.clone();
            async move { db.ping().await.map_err(|error| error.to_string()) }
        })
    }

    /// Publishes the gauge `db_client_connections` from what `count` returns.
    #[must_use]
    pub fn counting_connections(self, count: impl Fn() -> ConnectionCounts + Send + Sync + 'static) -> Self {
        let service = self.name;
        let count = Arc::new(count);
        let task = Task::every("count_connections", &tasks::real_time(), CONNECTIONS_PERIOD, &count, move |count| {
            let ConnectionCounts { used, idle } = count();
            for (state, connections) in [("used", used), ("idle", idle)] {
                metrics::connections(service, state, connections);
            }
            std::future::ready(Ok::<(), std::convert::Infallible>(()))
        });
        self.running([task])
    }

    /// Adds a readiness check.
    #[must_use]
    pub fn ready_when<F>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.checks.push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Hands `value` to the process that starts the service, which [takes](Self::take) it by its type.
    #[must_use]
    pub fn providing<T: Send + 'static>(mut self, value: T) -> Self {
        self.provided.push(Box::new(value));
        self
    }

    /// Takes the value of type `T` that the service provides; `None` when there is none.
    pub fn take<T: 'static>(&mut self) -> Option<T> {
        let position = self.provided.iter().position(|value| value.is::<T>())?;
        self.provided.swap_remove(position).downcast().ok().map(|value| *value)
    }
}

impl std::fmt::Debug for ServiceParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceParts").field("name", &self.name).finish_non_exhaustive()
    }
}
