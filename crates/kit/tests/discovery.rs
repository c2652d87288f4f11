//! The discovery client against scripted registries. One file because one fake registry serves every test.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use souk_eureka::{Application, Applications, InstanceInfo, hash_code};
use souk_kit::discovery::{Discovery, RegistrationConfig};
use souk_testkit::{CapturedLog, World, eventually};
use souk_values::Secret;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// State of a fake registry, and the requests that it received.
#[derive(Debug, Default)]
struct Known {
    instances: BTreeMap<String, InstanceInfo>,
    delta: Vec<InstanceInfo>,
    /// Hash code in deltas in place of the right one.
    wrong_hash: Option<String>,
    /// Hash code of the whole registry in place of the right one.
    wrong_whole: Option<String>,
    /// True for an ingress in place of a registry, which answers every path.
    is_ingress: bool,
    has_no_delta: bool,
    /// Duration of a registration, which completes even if its caller has gone.
    registers_within: Duration,
    registrations_done: usize,
    /// Status of every response in place of the regular one.
    broken: Option<StatusCode>,
    /// Method and path of each request.
    log: Vec<String>,
    /// The newest `Authorization`, `Accept` and `Accept-Encoding`.
    headers: HeaderMap,
}

#[derive(Debug, Clone)]
struct Registry {
    known: Arc<Mutex<Known>>,
    address: SocketAddr,
    serving: Arc<JoinHandle<()>>,
}

impl Registry {
    async fn start() -> Self {
        Self::start_on("127.0.0.1:0".parse().unwrap()).await
    }

    async fn start_on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let known = Arc::new(Mutex::new(Known::default()));
        let routes = Router::new()
            .route("/eureka/apps/", get(whole))
            .route("/eureka/apps/delta", get(delta))
            .route("/eureka/apps/{app}", post(register))
            .route("/eureka/apps/{app}/{id}", put(renew).delete(cancel))
            .layer(middleware::from_fn_with_state(known.clone(), note))
            .with_state(known.clone());
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { known, address, serving: Arc::new(serving) }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }

    fn url(&self) -> String {
        format!("http://souk:s%40cret@{}", self.address)
    }

    /// Counts the requests that start with `request`.
    fn count(&self, request: &str) -> usize {
        self.known().log.iter().filter(|line| line.starts_with(request)).count()
    }

    /// Another service's instance appears, in the whole and in the delta.
    fn add(&self, id: &str, vip: &str, port: u16) {
        let instance = other(id, vip, port, "UP", "ADDED");
        let mut known = self.known();
        known.delta.push(instance.clone());
        known.instances.insert(id.to_owned(), instance);
    }

    fn remove(&self, id: &str) {
        let mut known = self.known();
        let mut instance = known.instances.remove(id).unwrap();
        instance.action_type = Some(souk_eureka::ActionType::Deleted);
        known.delta.push(instance);
    }

    fn only(&self) -> InstanceInfo {
        let known = self.known();
        assert_eq!(known.instances.len(), 1, "{:?}", known.instances.keys());
        known.instances.values().next().unwrap().clone()
    }
}

fn other(id: &str, vip: &str, port: u16, status: &str, action: &str) -> InstanceInfo {
    let fields = json!({
        "instanceId": id, "hostName": "10.0.0.5", "ipAddr": "10.0.0.5", "app": vip, "vipAddress": vip,
        "status": status, "port": {"$": port, "@enabled": "true"}, "actionType": action,
    });
    InstanceInfo::from_json(&fields, 0).unwrap()
}

async fn note(State(known): State<Arc<Mutex<Known>>>, request: Request, next: Next) -> Response {
    let (broken, is_ingress) = {
        let mut known = known.lock();
        known.log.push(format!("{} {}", request.method(), request.uri()));
        known.headers = request.headers().clone();
        (known.broken, known.is_ingress)
    };
    match broken {
        Some(status) => status.into_response(),
        None if is_ingress && request.method() == Method::GET => Json(json!({"status": "ok"})).into_response(),
        None if is_ingress => StatusCode::NOT_FOUND.into_response(),
        None => next.run(request).await,
    }
}

fn show(instances: impl Iterator<Item = InstanceInfo>, hash_code: String) -> Json<Value> {
    let applications =
        instances.map(|one| Application { name: one.app.clone(), instances: vec![one] }).collect::<Vec<_>>();
    Json(Applications { version: 1, hash_code, applications }.to_json())
}

async fn whole(State(known): State<Arc<Mutex<Known>>>) -> Json<Value> {
    let known = known.lock();
    let hash = known.wrong_whole.clone().unwrap_or_else(|| hash_code(known.instances.values()));
    show(known.instances.values().cloned(), hash)
}

async fn delta(State(known): State<Arc<Mutex<Known>>>) -> Result<Json<Value>, StatusCode> {
    let known = known.lock();
    if known.has_no_delta {
        return Err(StatusCode::FORBIDDEN);
    }
    let hash = known.wrong_hash.clone().unwrap_or_else(|| hash_code(known.instances.values()));
    Ok(show(known.delta.iter().cloned(), hash))
}

async fn register(State(known): State<Arc<Mutex<Known>>>, body: Bytes) -> StatusCode {
    let instance = souk_eureka::json::read_registration(&body, 0).unwrap();
    let within = known.lock().registers_within;
    let registering = tokio::spawn(async move {
        tokio::time::sleep(within).await;
        let mut known = known.lock();
        known.instances.insert(instance.instance_id.clone(), instance);
        known.registrations_done += 1;
    });
    registering.await.unwrap();
    StatusCode::NO_CONTENT
}

async fn renew(
    State(known): State<Arc<Mutex<Known>>>,
    Path((_, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> StatusCode {
    let known = known.lock();
    let Some(instance) = known.instances.get(&id) else { return StatusCode::NOT_FOUND };
    assert_eq!(query.unwrap(), format!("status=UP&lastDirtyTimestamp={}", instance.last_dirty_at));
    StatusCode::OK
}

async fn cancel(State(known): State<Arc<Mutex<Known>>>, Path((_, id)): Path<(String, String)>) -> StatusCode {
    if known.lock().instances.remove(&id).is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

/// Unit by which these tests move the clock, too long to pass in real time.
const INTERVAL: Duration = Duration::from_secs(20);

fn config() -> RegistrationConfig {
    RegistrationConfig {
        renewal_interval_seconds: 20,
        lease_duration_seconds: 100,
        fetch_interval_seconds: 20,
        zone: Some("a".to_owned()),
        ..RegistrationConfig::default()
    }
}

struct Shop {
    world: World,
    discovery: Discovery,
    stop: CancellationToken,
}

impl Shop {
    async fn of(urls: &[String], fixed: &[&str]) -> Self {
        let world = World::new().await;
        let urls = Secret::new(urls.join(","));
        let fixed: HashSet<String> = fixed.iter().map(|name| (*name).to_owned()).collect();
        let (directory, clock) = (world.deps.peers.directory().clone(), world.clock.clone());
        let discovery = Discovery::new(&urls, config(), directory, fixed, clock, world.deps.ids.clone()).unwrap();
        Self { world, discovery, stop: CancellationToken::new() }
    }

    /// Starts the fetch loop.
    fn run(&self) {
        tokio::spawn(self.discovery.clone().run(self.stop.clone()));
    }

    fn where_is(&self, service: &str) -> Option<String> {
        let directory = self.world.deps.peers.directory();
        directory.choose(service).ok().map(|chosen| chosen.base().to_owned())
    }

    /// Waits, while the clock goes on interval by interval.
    async fn in_time(&self, what: &str, is_so: impl Fn() -> bool) {
        eventually(what, || {
            let is_so = is_so();
            if !is_so {
                self.world.clock.advance(INTERVAL);
            }
            async move { is_so }
        })
        .await;
    }

    async fn is_at(&self, service: &str, base: Option<&str>) {
        self.in_time(&format!("{service} is at {base:?}"), || self.where_is(service).as_deref() == base).await;
    }

    /// Waits until the registry was fetched `times` more, whichever way.
    async fn fetched(&self, registry: &Registry, times: usize) {
        let before = registry.count("GET");
        self.in_time("it is fetched again", || registry.count("GET") >= before + times).await;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[tokio::test]
async fn an_instance_registers_renews_and_leaves() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.discovery.register("order", "0.0.0.0:8083".parse().unwrap());
    shop.in_time("it renews", || registry.count("PUT /eureka/apps/ORDER/127.0.0.1:order:8083?") >= 3).await;
    let order = registry.only();
    assert_eq!((order.app.as_str(), order.ip_addr.as_str(), order.port.number), ("ORDER", "127.0.0.1", 8083));
    assert_eq!((order.vip_address.as_deref(), order.lease.duration_secs), (Some("order"), 100));
    assert_eq!(order.health_check_url.as_deref(), Some("http://127.0.0.1:8083/health/ready"));
    assert_eq!(order.metadata.get("zone").map(String::as_str), Some("a"));
    assert_eq!(registry.count("POST"), 1);
    let headers = registry.known().headers.clone();
    // souk:s@cret
    assert_eq!(headers.get("authorization").unwrap(), "Basic c291azpzQGNyZXQ=");
    assert!(!headers.contains_key("accept-encoding"));

    shop.discovery.deregister().await;
    assert!(registry.known().instances.is_empty());
    let requests = registry.known().log.len();
    shop.world.clock.advance(INTERVAL * 10);
    shop.discovery.deregister().await;
    assert_eq!(registry.known().log.len(), requests, "nothing more is sent");
}

#[tokio::test]
async fn what_the_registry_forgot_is_registered_again_at_once() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    shop.in_time("it is registered", || registry.count("POST") == 1 && registry.count("PUT") >= 1).await;
    let first = registry.only();
    registry.known().instances.clear();
    shop.in_time("it is registered again", || registry.count("POST") == 2).await;
    assert_eq!(registry.only().last_dirty_at, first.last_dirty_at, "it is the same instance");
    let log = registry.known().log.clone();
    let again = log.iter().rposition(|line| line.starts_with("POST")).unwrap();
    assert!(log[again - 1].starts_with("PUT"), "at once: {log:?}");

    // A person takes it out: it stays registered and goes on renewing.
    registry.known().instances.values_mut().for_each(|one| one.status = souk_eureka::InstanceStatus::OutOfService);
    let renewed = registry.count("PUT");
    shop.in_time("it goes on renewing", || registry.count("PUT") >= renewed + 3).await;
    assert_eq!(registry.count("POST"), 2);
}

#[tokio::test]
async fn a_refused_instance_is_tried_again_and_leaves_without_having_been_there() {
    let registry = Registry::start().await;
    registry.known().broken = Some(StatusCode::BAD_REQUEST);
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    shop.in_time("it is tried again", || registry.count("POST") >= 3).await;
    registry.known().broken = None;
    shop.in_time("it is registered", || registry.count("PUT") >= 1).await;
    shop.discovery.deregister().await;
    assert!(registry.known().instances.is_empty());
}

#[tokio::test]
async fn what_stood_once_is_taken_out_though_it_was_refused_since() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    shop.in_time("it is registered", || registry.count("PUT") >= 1).await;
    registry.known().broken = Some(StatusCode::INSUFFICIENT_STORAGE);
    shop.in_time("it is renewed in vain", || registry.count("PUT") >= 3).await;
    registry.known().broken = Some(StatusCode::BAD_REQUEST);
    shop.in_time("it is refused", || registry.count("POST") >= 3).await;
    registry.known().broken = None;
    shop.discovery.deregister().await;
    assert!(registry.known().instances.is_empty());
}

#[tokio::test]
async fn what_is_no_registry_is_passed_over() {
    let (ingress, registry) = (Registry::start().await, Registry::start().await);
    ingress.known().is_ingress = true;
    registry.add("o1", "order", 1);
    let shop = Shop::of(&[ingress.url(), registry.url()], &[]).await;
    shop.discovery.register("cart", "127.0.0.1:8084".parse().unwrap());
    shop.in_time("it is registered", || registry.count("POST /eureka/apps/CART") == 1).await;
    let alone = Shop::of(&[ingress.url(), registry.url()], &[]).await;
    alone.run();
    alone.is_at("order", Some("http://10.0.0.5:1")).await;
}

#[tokio::test]
async fn a_moved_service_is_found_within_one_interval() {
    let registry = Registry::start().await;
    registry.add("o1", "ORDER", 1);
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    registry.remove("o1");
    registry.add("o2", "order", 2);
    shop.world.clock.advance(INTERVAL);
    eventually("it is found", || async { shop.where_is("order").as_deref() == Some("http://10.0.0.5:2") }).await;
    let deltas = registry.count("GET /eureka/apps/delta");
    assert_eq!(registry.count("GET /eureka/apps/") - deltas, 1, "a delta was enough");
}

#[tokio::test]
async fn a_call_without_an_instance_causes_an_early_fetch() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    eventually("it is fetched", || async { registry.count("GET") == 1 }).await;
    registry.add("o1", "order", 1);
    let begun = std::time::Instant::now();
    eventually("it is found", || async { shop.where_is("order").is_some() }).await;
    assert!(begun.elapsed() < INTERVAL / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_delta_that_does_not_add_up_leads_to_the_whole() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.fetched(&registry, 2).await;
    // It is in the whole registry, and the delta does not contain it.
    registry.known().instances.insert("o1".to_owned(), other("o1", "order", 1, "UP", "ADDED"));
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    let log = registry.known().log.clone();
    let last_whole = log.iter().rposition(|line| line == "GET /eureka/apps/").unwrap();
    assert_eq!(log[last_whole - 1], "GET /eureka/apps/delta", "at once");

    registry.known().wrong_hash = Some("UP_77_".to_owned());
    let wholes = || registry.known().log.iter().filter(|line| *line == "GET /eureka/apps/").count();
    let before = wholes();
    shop.in_time("the whole is fetched each time", || wholes() >= before + 3).await;
    assert!(shop.where_is("order").is_some());
}

#[tokio::test]
async fn a_registry_without_deltas_is_read_whole() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.fetched(&registry, 1).await;
    registry.known().has_no_delta = true;
    registry.known().instances.insert("o1".to_owned(), other("o1", "order", 1, "UP", "ADDED"));
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
}

#[tokio::test]
async fn the_second_registry_is_used_while_the_first_is_unreachable() {
    let (first, second) = (Registry::start().await, Registry::start().await);
    first.add("o1", "order", 1);
    second.add("o2", "order", 2);
    let shop = Shop::of(&[first.url(), second.url()], &[]).await;
    shop.run();
    shop.discovery.register("cart", "127.0.0.1:8084".parse().unwrap());
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    shop.in_time("it is registered", || first.count("POST") == 1).await;
    assert!(second.known().log.is_empty());
    first.known().broken = Some(StatusCode::INTERNAL_SERVER_ERROR);
    shop.is_at("order", Some("http://10.0.0.5:2")).await;
    shop.in_time("it is registered there", || second.count("POST /eureka/apps/CART") == 1).await;
    // It stays there though the first is back, until that one fails.
    first.known().broken = None;
    let requests = first.known().log.len();
    shop.fetched(&second, 3).await;
    assert_eq!(first.known().log.len(), requests);
    second.known().broken = Some(StatusCode::SERVICE_UNAVAILABLE);
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
}

#[tokio::test]
async fn what_is_known_stays_while_no_registry_answers() {
    let registry = Registry::start().await;
    registry.add("o1", "order", 1);
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    for broken in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND] {
        registry.known().broken = Some(broken);
        // Longer than the lease.
        shop.world.clock.advance(INTERVAL * 20);
        shop.fetched(&registry, 4).await;
        assert_eq!(shop.where_is("order").as_deref(), Some("http://10.0.0.5:1"), "{broken}");
    }
    registry.known().broken = None;
    registry.known().is_ingress = true;
    shop.world.clock.advance(INTERVAL * 20);
    shop.fetched(&registry, 4).await;
    assert_eq!(shop.where_is("order").as_deref(), Some("http://10.0.0.5:1"), "that is no empty registry");
    registry.known().is_ingress = false;
    // Half of an answer.
    let all = std::mem::take(&mut registry.known().instances);
    registry.known().wrong_whole = Some(hash_code(all.values()));
    shop.fetched(&registry, 20).await;
    assert_eq!(shop.where_is("order").as_deref(), Some("http://10.0.0.5:1"), "nor is that");
    registry.known().wrong_whole = None;
    // It moved meanwhile, and no delta contains that.
    registry.known().delta.clear();
    registry.known().instances = BTreeMap::from([("o2".to_owned(), other("o2", "order", 2, "UP", "ADDED"))]);
    registry.known().broken = None;
    shop.is_at("order", Some("http://10.0.0.5:2")).await;
}

#[tokio::test]
async fn a_registry_that_is_gone_and_comes_back_empty_is_survived() {
    let registry = Registry::start().await;
    registry.add("o1", "order", 1);
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    registry.serving.abort();
    let restarted = {
        let listening = || async { TcpListener::bind(registry.address).await.is_ok() };
        eventually("its port is free", listening).await;
        shop.world.clock.advance(INTERVAL * 20);
        Registry::start_on(registry.address).await
    };
    // An empty registry: within the lease the service stays where it was, and is removed after it.
    shop.fetched(&restarted, 1).await;
    assert_eq!(shop.where_is("order").as_deref(), Some("http://10.0.0.5:1"));
    shop.is_at("order", None).await;
    restarted.add("o1", "order", 3);
    shop.is_at("order", Some("http://10.0.0.5:3")).await;
}

#[tokio::test]
async fn only_what_takes_calls_is_listed_and_what_is_fixed_is_not_touched() {
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &["cart"]).await;
    shop.world.deps.peers.directory().set("cart", ["http://static:1".to_owned()]);
    registry.add("c1", "cart", 9);
    registry.add("o1", "order", 1);
    let down = other("o2", "order", 2, "DOWN", "ADDED");
    registry.known().instances.insert("o2".to_owned(), down);
    shop.run();
    shop.is_at("order", Some("http://10.0.0.5:1")).await;
    for _ in 0..20 {
        assert_eq!(shop.where_is("order").as_deref(), Some("http://10.0.0.5:1"));
    }
    assert_eq!(shop.where_is("cart").as_deref(), Some("http://static:1"));
}

/// A page in the browser registered an `AUTH` of its own, and the gateway sent it plain passwords.
#[tokio::test]
async fn auth_is_taken_from_a_registry_with_credentials_alone() {
    let registry = Registry::start().await;
    registry.add("a1", "auth", 9);
    registry.add("o1", "order", 1);
    let without = format!("http://{}", registry.address);
    let open = Shop::of(std::slice::from_ref(&without), &[]).await;
    let before = open.where_is("auth");
    open.run();
    open.is_at("order", Some("http://10.0.0.5:1")).await;
    assert_eq!(open.where_is("auth"), before);
    let mixed = Shop::of(&[registry.url(), without], &[]).await;
    mixed.run();
    mixed.is_at("order", Some("http://10.0.0.5:1")).await;
    assert_ne!(mixed.where_is("auth").as_deref(), Some("http://10.0.0.5:9"));
    let closed = Shop::of(&[registry.url()], &[]).await;
    closed.run();
    closed.is_at("auth", Some("http://10.0.0.5:9")).await;
}

#[tokio::test]
async fn leaving_is_quick_though_no_registry_answers() {
    // Takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shop = Shop::of(&[url], &[]).await;
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    let (_held, _) = listener.accept().await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), shop.discovery.deregister()).await.expect("a second or so");
}

#[tokio::test]
async fn what_is_being_registered_is_taken_out_too() {
    let registry = Registry::start().await;
    registry.known().registers_within = Duration::from_millis(150);
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    eventually("it is on its way", || async { registry.count("POST") == 1 }).await;
    shop.discovery.deregister().await;
    eventually("it had its effect", || async { registry.known().registrations_done == 1 }).await;
    let known = registry.known();
    assert!(known.instances.is_empty(), "{:?}", known.log);
}

#[tokio::test]
async fn a_lost_registry_is_logged_once_and_a_password_never() {
    let log = CapturedLog::start(tracing::Level::TRACE);
    let registry = Registry::start().await;
    let shop = Shop::of(&[registry.url()], &[]).await;
    shop.run();
    shop.discovery.register("order", "127.0.0.1:8083".parse().unwrap());
    shop.in_time("it is registered", || registry.count("PUT") >= 1).await;
    for _ in 0..2 {
        registry.known().broken = Some(StatusCode::UNAUTHORIZED);
        shop.fetched(&registry, 4).await;
        registry.known().broken = None;
        shop.fetched(&registry, 2).await;
    }
    registry.serving.abort();
    eventually("it does not listen", || async { TcpListener::bind(registry.address).await.is_ok() }).await;
    shop.in_time("it is lost again", || log.count("no registry is reachable") == 3).await;
    shop.discovery.deregister().await;
    let logged = ["no registry is reachable", "the registry is reachable again", "refuses"].map(|line| log.count(line));
    assert_eq!(logged, [3, 2, 0], "{}", log.text());
    assert!(log.text().contains("user and password in SOUK_DISCOVERY_URL"), "{}", log.text());
    for secret in ["s@cret", "s%40cret", "c291azpzQGNyZXQ"] {
        assert!(!log.text().contains(secret), "{secret}: {}", log.text());
    }
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused() {
    let clock = Arc::new(souk_values::SystemClock);
    let ids = souk_values::IdGen::new(clock.clone());
    let config = RegistrationConfig {
        host: Some("http://order".to_owned()),
        renewal_interval_seconds: 90,
        lease_duration_seconds: 30,
        fetch_interval_seconds: 0,
        ..RegistrationConfig::default()
    };
    let urls = Secret::new("hunter2@nowhere".to_owned());
    let refused = Discovery::new(&urls, config, souk_kit::call::Directory::default(), HashSet::new(), clock, ids)
        .unwrap_err()
        .to_string();
    for expected in ["fetch-interval-seconds", "lease-duration-seconds", "registration.host", "SOUK_DISCOVERY_URL"] {
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
    assert!(!refused.contains("hunter2"));
}
