//! Runs a service: starts its listener, relay, consumers and tasks, replaces it behind the open listener, and stops it
//! in order.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::{Request, connect_info::IntoMakeServiceWithConnectInfo},
    http::{StatusCode, Uri},
    middleware,
    response::Response,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::{Mutex, RwLock};
use souk_bus::{Consumer, relay};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;

use crate::{
    Deps, Problem, ServiceParts,
    health::{self, Frame},
    parts::{Check, Guard},
    rest_of_body, this_machine,
    traces::{self, Observer},
};

/// Time limit for the consumers and tasks of a replaced service to end; then those of the new one start beside them.
const HANDOVER: Duration = Duration::from_secs(2);
/// Time limit for requests and consumers to finish after a stop.
const DRAIN: Duration = Duration::from_secs(4);

/// A started service.
#[derive(Debug)]
pub struct Running {
    /// Name of the service.
    pub name: &'static str,
    /// Address of its listener.
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// `None` for a service that cannot be replaced.
    entrance: Option<Entrance>,
}

impl Running {
    /// Wraps a service that was started by other means than [`start`]: it stops when `stop` is cancelled, and has
    /// stopped when `tasks` are done. It cannot be replaced.
    #[must_use]
    pub fn new(name: &'static str, address: SocketAddr, stop: CancellationToken, tasks: TaskTracker) -> Self {
        Self { name, address, stop, tasks, entrance: None }
    }

    /// Returns the same, serving `entrance`: it can be replaced.
    pub(crate) fn behind(self, entrance: Entrance) -> Self {
        Self { entrance: Some(entrance), ..self }
    }

    /// Replaces the service, for example by one with a newer configuration. The listener stays open: the old service
    /// finishes its requests, the new one takes those that follow. The consumers and tasks of the new one start when
    /// those of the old one have ended, or after 2 s. Returns false, and changes nothing, for a service that cannot be
    /// replaced.
    #[must_use]
    pub fn replace(&self, service: ServiceParts, deps: &Deps) -> bool {
        let Some(entrance) = &self.entrance else { return false };
        entrance.admit(service, deps, &self.tasks, &self.stop);
        true
    }

    /// Stops accepting, drains requests, ends consumers and tasks. Returns false when something was still running
    /// after 4 s.
    pub async fn stop(self) -> bool {
        self.stop.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_ok();
        if !drained {
            tracing::warn!(service = self.name, "requests or tasks did not finish in time and were abandoned");
        }
        drained
    }
}

/// Starts `service` on `listener`.
pub fn start(service: ServiceParts, listener: TcpListener, deps: &Deps) -> std::io::Result<Running> {
    let address = listener.local_addr()?;
    let name = service.name;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let entrance = Entrance::at(address);
    entrance.admit(service, deps, &tasks, &stop);
    deps.peers.local().add(address, entrance.routes(), stop.clone());
    listen(name, listener, entrance.app(), &tasks, stop.clone());
    Ok(Running::new(name, address, stop, tasks).behind(entrance))
}

/// The service behind an open listener. Swapping it refuses and cuts no connection.
#[derive(Debug, Clone)]
pub(crate) struct Entrance {
    /// True if the listener is on loopback, where web pages of this machine's browser reach it.
    is_loopback: bool,
    routes: Arc<RwLock<Router>>,
    /// Background work of the service that `routes` belong to; `None` until one is admitted.
    background: Arc<Mutex<Option<Background>>>,
}

/// The running relay, consumers and tasks of a service.
#[derive(Debug, Clone)]
struct Background {
    stop: CancellationToken,
    /// The work of this service only.
    own: TaskTracker,
    /// All work behind the listener, replaced services included.
    all: TaskTracker,
}

impl Background {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.all.spawn(self.own.track_future(work));
    }

    fn start(&self, works: Vec<BoxFuture<'static, ()>>) {
        for work in works {
            self.spawn(work);
        }
    }

    /// Starts `works` when `previous`, which is stopping, has ended: both would compete for the same messages.
    fn start_after(&self, previous: Self, name: &'static str, works: Vec<BoxFuture<'static, ()>>) {
        let current = self.clone();
        self.spawn(async move {
            previous.own.close();
            // Real time: a limit of the process, not business logic.
            let handed_over = tokio::time::timeout(HANDOVER, previous.own.wait());
            match current.stop.run_until_cancelled(handed_over).await {
                // Replaced or stopped before it started.
                None => return,
                Some(Err(_)) => tracing::warn!(service = name, "the replaced service did not end in time; both run"),
                Some(Ok(())) => {}
            }
            current.start(works);
        });
    }
}

impl Entrance {
    /// Returns the entrance of a listener at `address`, without a service.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let is_loopback = address.ip().to_canonical().is_loopback();
        Self { is_loopback, routes: Arc::default(), background: Arc::default() }
    }

    /// Serves `routes` until a service is admitted.
    pub(crate) fn with(self, routes: Router) -> Self {
        *self.routes.write() = routes;
        self
    }

    /// Serves `service` from now on, stops the previous one, and starts the background work when that of the previous
    /// one has ended.
    pub(crate) fn admit(&self, service: ServiceParts, deps: &Deps, tasks: &TaskTracker, stop: &CancellationToken) {
        let name = service.name;
        deps.peers.note_served(name);
        let current = Background { stop: stop.child_token(), own: TaskTracker::new(), all: tasks.clone() };
        // A service with a guard of its own decides itself whom it answers.
        let is_guarded = self.is_loopback && service.guard.is_none();
        let (routes, works) = assemble(service, deps, &current.stop);
        let routes = if is_guarded { this_machine::no_web_pages(routes) } else { routes };
        let mut background = self.background.lock();
        *self.routes.write() = routes;
        match background.replace(current.clone()) {
            None => current.start(works),
            Some(previous) => {
                previous.stop.cancel();
                current.start_after(previous, name, works);
            }
        }
    }

    /// Returns the application for a listener.
    pub(crate) fn app(&self) -> IntoMakeServiceWithConnectInfo<Router, SocketAddr> {
        self.routes().into_make_service_with_connect_info()
    }

    /// Returns routes that always lead to the current ones.
    fn routes(&self) -> Router {
        let routes = Arc::clone(&self.routes);
        let serve = move |request: Request| {
            let current = routes.read().clone();
            let request = rest_of_body::read_rest(request);
            async move {
                let response: Result<Response, Infallible> = current.oneshot(request).await;
                response
            }
        };
        Router::new().fallback(serve)
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
        // Otherwise a response in two pieces waits 40 ms for its second. A socket that is broken already says so when it is read.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serving = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!(service = name, error = %error, "the listener failed");
        }
    });
}

fn document(service: &str, openapi: &OpenApi) -> Bytes {
    // Cannot fail: it has no map whose keys are no texts.
    let json = serde_json::to_vec(openapi).inspect_err(|error| tracing::error!(service, %error, "no OpenAPI document"));
    json.unwrap_or_default().into()
}

/// Returns the service's routes in their frame, and its relay, consumers and tasks, which end by `stop`.
fn assemble(service: ServiceParts, deps: &Deps, stop: &CancellationToken) -> (Router, Vec<BoxFuture<'static, ()>>) {
    let ServiceParts {
        name,
        router,
        openapi,
        consumers,
        outbox,
        tasks,
        mut checks,
        breakers,
        has_bus,
        guard,
        facts,
        ..
    } = service;
    checks.extend(consumers.iter().map(|consumer| (consumer.queue(), consuming_check(consumer))));
    let frame = Frame {
        service: name,
        checks: Arc::new(checks),
        transport: Arc::clone(&deps.transport),
        peers: deps.peers.clone(),
        breakers: breakers.into(),
        has_bus,
        openapi: document(name, &openapi),
        facts: Arc::new(facts),
    };
    let mut works: Vec<BoxFuture<'static, ()>> = Vec::new();
    let own_outbox = outbox.as_ref().and_then(|_| souk_bus::outbox::outbox_of(name));
    let with_letters: Vec<&'static str> = consumers.iter().map(Consumer::queue).chain(own_outbox).collect();
    if let Some(outbox) = outbox {
        let clock = Arc::clone(&deps.clock);
        works.push(Box::pin(relay(name, outbox, Arc::clone(&deps.transport), clock, stop.clone())));
    }
    if !with_letters.is_empty() {
        let counting = health::count_dead_letters(name, with_letters, Arc::clone(&deps.transport));
        works.push(Box::pin(counting.run(stop.clone())));
    }
    for consumer in consumers {
        works.push(Box::pin(consumer.run(Arc::clone(&deps.transport), stop.clone())));
    }
    for task in tasks {
        works.push(Box::pin(task.run(stop.clone())));
    }
    (frame_router(router, guard, frame, deps), works)
}

/// Returns the readiness check of a consumer, which fails with the reason for which it has paused.
fn consuming_check(consumer: &Consumer) -> Check {
    let pause = consumer.pause();
    Arc::new(move || Box::pin(std::future::ready(pause.reason().map_or(Ok(()), Err))))
}

/// Wraps a service's routes: common routes inside, then guard, token verifier, panic handler, and observation outermost.
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
