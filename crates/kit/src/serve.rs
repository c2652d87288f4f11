//! Starts a service: its listener, its relay, its consumers, its tasks; puts another in its place while it
//! listens; and stops them in order.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Extension, Router,
    extract::{Request, connect_info::IntoMakeServiceWithConnectInfo},
    http::{StatusCode, Uri},
    middleware,
    response::Response,
};
use futures::future::BoxFuture;
use souk_bus::{Consumer, relay};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    Deps, Problem, Service,
    health::{self, Frame},
    service::Guard,
    traces::{self, Observer},
};

/// How long the consumers and tasks of a service that was replaced may take to finish before those of the new one
/// begin beside them.
const HANDOVER: Duration = Duration::from_secs(2);
/// How long requests and consumers may take to finish once the service is told to stop.
const DRAIN: Duration = Duration::from_secs(4);

/// A started service.
#[derive(Debug)]
pub struct Running {
    /// `order`.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// `None`: what was started by other means cannot be replaced.
    entrance: Option<Entrance>,
}

impl Running {
    /// A service that was started by other means than [`start`]: it stops when `stop` is cancelled and
    /// has stopped when `tasks` are done.
    #[must_use]
    pub fn new(name: &'static str, address: SocketAddr, stop: CancellationToken, tasks: TaskTracker) -> Self {
        Self { name, address, stop, tasks, entrance: None }
    }

    /// One that listens at `entrance`.
    pub(crate) fn behind(
        name: &'static str,
        address: SocketAddr,
        (stop, tasks): (CancellationToken, TaskTracker),
        entrance: Entrance,
    ) -> Self {
        Self { name, address, stop, tasks, entrance: Some(entrance) }
    }

    /// Puts `service` into the place of the one that runs, such as one with another configuration. The listener
    /// stays open: requests at hand are finished by the old one, new ones go to the new. The new one's consumers
    /// and tasks begin when those of the old one have ended, or after 2 s. Answers false, and changes nothing, if what runs cannot be replaced.
    #[must_use]
    pub fn replace(&self, service: Service, deps: &Deps) -> bool {
        let Some(entrance) = &self.entrance else { return false };
        entrance.admit(service, deps, &self.tasks, &self.stop);
        true
    }

    /// Stops accepting, finishes what is at hand, ends consumers and tasks. Answers false when
    /// something had to be left after 4 s.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_ok();
        if !drained {
            tracing::warn!(service = self.name, "something did not finish in time and was left");
        }
        drained
    }
}

/// Starts `service` on `listener`.
pub fn start(service: Service, listener: TcpListener, deps: &Deps) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let (name, stop, tasks) = (service.name, CancellationToken::new(), TaskTracker::new());
    let entrance = Entrance::default();
    entrance.admit(service, deps, &tasks, &stop);
    listen(name, listener, entrance.app(), &tasks, stop.clone());
    Ok(Running::behind(name, address, (stop, tasks), entrance))
}

/// What stands behind an open listener. It may change: no connection is refused or cut when it does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entrance {
    routes: Arc<RwLock<Router>>,
    /// The background of the service whose routes these are. `None`: it has none.
    background: Arc<Mutex<Option<Background>>>,
}

/// A service's relay, consumers and tasks, under way.
#[derive(Debug, Clone)]
struct Background {
    /// Ends them.
    leaving: CancellationToken,
    /// They, and only they.
    own: TaskTracker,
    /// Everything that runs for the listener.
    all: TaskTracker,
}

impl Background {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.all.spawn(self.own.track_future(work));
    }

    fn begin(&self, works: Vec<BoxFuture<'static, ()>>) {
        for work in works {
            self.spawn(work);
        }
    }

    /// Begins as soon as `before`, which was told to leave, has ended: two of a kind would take the same messages.
    fn begin_after(&self, before: Self, name: &'static str, works: Vec<BoxFuture<'static, ()>>) {
        let now = self.clone();
        self.spawn(async move {
            before.own.close();
            // Real time: the patience of one who takes over.
            let handed_over = tokio::time::timeout(HANDOVER, before.own.wait());
            match now.leaving.run_until_cancelled(handed_over).await {
                // It was sent away, or stopped, before it began.
                None => return,
                Some(Err(_)) => tracing::warn!(service = name, "what it replaces did not end in time; both run on"),
                Some(Ok(())) => {}
            }
            now.begin(works);
        });
    }
}

impl Entrance {
    /// One that answers by `routes` until a service is admitted.
    pub(crate) fn with(routes: Router) -> Self {
        Self { routes: Arc::new(RwLock::new(routes)), background: Arc::default() }
    }

    /// Lets `service` answer from now on, sends away the one before it, and begins its background when that of the
    /// other has ended.
    pub(crate) fn admit(&self, service: Service, deps: &Deps, tasks: &TaskTracker, stop: &CancellationToken) {
        let name = service.name;
        let now = Background { leaving: stop.child_token(), own: TaskTracker::new(), all: tasks.clone() };
        let (routes, works) = lay_out(service, deps, &now.leaving);
        let mut background = self.background.lock().unwrap_or_else(PoisonError::into_inner);
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes;
        match background.replace(now.clone()) {
            None => now.begin(works),
            Some(before) => {
                before.leaving.cancel();
                now.begin_after(before, name, works);
            }
        }
    }

    /// The application that a listener serves.
    pub(crate) fn app(&self) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
        let routes = Arc::clone(&self.routes);
        let serve = move |request: Request| {
            let now = routes.read().unwrap_or_else(PoisonError::into_inner).clone();
            async move {
                let answered: Result<Response, Infallible> = now.oneshot(request).await;
                answered
            }
        };
        Router::new().fallback(serve).into_make_service_with_connect_info()
    }
}

/// Serves `app` on `listener` until `stop`.
pub(crate) fn listen(
    name: &'static str,
    listener: TcpListener,
    app: IntoMakeServiceWithConnectInfo<Router, SocketAddr>,
    tasks: &TaskTracker,
    stop: CancellationToken,
) {
    tasks.spawn(async move {
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(service = name, error = %error, "the listener failed");
        }
    });
}

/// The service's routes in their frame, to be served, and its relay, consumers and tasks, which end by `stop`.
fn lay_out(service: Service, deps: &Deps, stop: &CancellationToken) -> (Router, Vec<BoxFuture<'static, ()>>) {
    let Service { name, router, openapi, consumers, outbox, tasks: own_tasks, checks, has_bus, guard } = service;
    let frame = Frame {
        service: name,
        checks: Arc::new(checks),
        transport: Arc::clone(&deps.transport),
        has_bus,
        openapi: Arc::new(openapi),
    };
    let mut works: Vec<BoxFuture<'static, ()>> = Vec::new();
    if let Some(outbox) = outbox {
        let clock = Arc::clone(&deps.clock);
        works.push(Box::pin(relay(name, outbox, Arc::clone(&deps.transport), clock, stop.clone())));
    }
    if !consumers.is_empty() {
        let queues = consumers.iter().map(Consumer::queue).collect();
        works.push(Box::pin(health::count_letters(name, queues, Arc::clone(&deps.transport), stop.clone())));
    }
    for consumer in consumers {
        works.push(Box::pin(consumer.run(Arc::clone(&deps.transport), stop.clone())));
    }
    for task in own_tasks {
        let stop = stop.clone();
        // Not called before it may begin.
        works.push(Box::pin(async move { task(stop).await }));
    }
    (frame_router(router, guard, frame, deps), works)
}

/// Lays the frame over a service's routes: its common routes, its guard, the verifier, observation, panics.
fn frame_router(router: Router, guard: Option<Guard>, frame: Frame, deps: &Deps) -> Router {
    let observer = Observer { service: frame.service, ids: Arc::new(deps.ids.clone()) };
    let framed = router.merge(health::routes(frame)).fallback(not_found).method_not_allowed_fallback(not_allowed);
    let guarded = match guard {
        Some(guard) => guard(framed),
        None => framed,
    };
    guarded
        .layer(Extension(deps.verifier.clone()))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            axum::response::IntoResponse::into_response(Problem::internal(&"a handler panicked"))
        }))
        .layer(middleware::from_fn_with_state(observer, traces::observe))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "route.not_found", format!("There is nothing at {}.", uri.path()))
}

async fn not_allowed(uri: Uri) -> Problem {
    let detail = format!("{} does not take this method.", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "route.method_not_allowed", detail)
}
