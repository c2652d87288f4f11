//! A world for services under test: folder, clock, bus, keys, and peers that answer as told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, routing::post};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use souk_bus::{Delivery, LocalTransport, Stamper, Transport, Verdict};
use souk_events::{Envelope, Event, Queue};
use souk_kit::{
    Deps, Peers, Running, Service, ShopConfig,
    auth::{AUDIENCE, Claims, ISSUER, JwksSource, Role, ServiceToken, ServiceTokenRequest, Verifier},
    call::Directory,
};
use souk_sql::Access;
use souk_values::{Clock, IdGen, Secret, ShiftedClock, UserId};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{Client, OwnTopology, engine::Stores, on_engines};

/// After so long without a message a queue of a broker is taken to have no more.
const QUIET: Duration = Duration::from_millis(200);

/// Everything a service needs, made for one test and gone after it.
#[derive(Debug)]
pub struct World {
    /// Where stores are.
    pub folder: TempDir,
    /// The clock that every service is given; turn it with `advance`.
    pub clock: Arc<ShiftedClock>,
    /// What services are given.
    pub deps: Deps,
    key: Arc<Key>,
    /// If that is where tests run.
    engines: Option<Engines>,
}

/// What a world has on engines.
#[derive(Debug)]
struct Engines {
    stores: Stores,
    topology: OwnTopology,
    /// What tests have looked at in each queue.
    heard: Mutex<HashMap<&'static str, Vec<Envelope>>>,
}

impl Engines {
    async fn new(clock: Arc<dyn Clock>) -> Self {
        let stores = Stores::new();
        let topology = OwnTopology::declare(stores.prefix(), clock).await;
        Self { stores, topology, heard: Mutex::default() }
    }
}

/// A started service, with a client of it.
#[derive(Debug)]
pub struct Started {
    /// A client without a token.
    pub client: Client,
    /// The service, to be stopped if the test wants to.
    pub running: Running,
}

struct Key {
    private: EncodingKey,
    public: JwkSet,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

#[derive(Debug, Clone)]
struct FixedKeys(JwkSet);

#[async_trait::async_trait]
impl JwksSource for FixedKeys {
    async fn fetch(&self) -> Result<JwkSet, String> {
        Ok(self.0.clone())
    }
}

impl World {
    /// A new world, with a fake auth that gives service tokens.
    pub async fn new() -> Self {
        souk_kit::install_crypto();
        souk_kit::telemetry::install_metrics();
        let folder = tempfile::tempdir().unwrap();
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let engines = if on_engines() { Some(Engines::new(clock.clone()).await) } else { None };
        let transport: Arc<dyn Transport> = if let Some(engines) = &engines {
            engines.topology.transport()
        } else {
            let bus = format!("sqlite:{}/bus.db", folder.path().display());
            Arc::new(LocalTransport::open(&bus, Access::ReadWrite, clock.clone()).await.unwrap())
        };
        let key = Arc::new(make_key());
        let peers =
            Peers::new(Directory::default(), Secret::new("test".to_owned()), clock.clone(), ids.clone()).unwrap();
        let verifier = Verifier::new(FixedKeys(key.public.clone()), clock.clone());
        let deps = Deps { clock: clock.clone(), ids, transport, peers, verifier, shop: ShopConfig::default() };
        let world = Self { folder, clock, deps, key, engines };
        world.fake_auth().await;
        world
    }

    /// The URL of this world's store of that name: a SQLite file, or a database of its own on the engine
    /// that the service of that name has in a company.
    #[must_use]
    pub fn store_url(&self, name: &str) -> String {
        match &self.engines {
            Some(engines) => engines.stores.url(name),
            None => format!("sqlite:{}/{name}.db", self.folder.path().display()),
        }
    }

    /// Starts `service` on a free port and makes it known to its peers.
    pub async fn serve(&self, service: Service) -> Started {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = service.name;
        let running = souk_kit::start(service, listener, &self.deps).unwrap();
        let base = format!("http://{}", running.address);
        self.deps.peers.directory().set(name, [base.clone()]);
        Started { client: Client::new(base), running }
    }

    /// Lets `router` answer for the service `name`. Answers its base address.
    pub async fn fake_peer(&self, name: &str, router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        self.deps.peers.directory().set(name, [base.clone()]);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        base
    }

    async fn fake_auth(&self) {
        let (key, clock) = (Arc::clone(&self.key), self.clock.clone());
        let issue = move |Json(request): Json<ServiceTokenRequest>| {
            let access_token = sign(&key, &*clock, request.service, Role::Service, None);
            async move { Json(ServiceToken { access_token, expires_in: 900 }) }
        };
        self.fake_peer("auth", Router::new().route("/internal/tokens", post(issue))).await;
    }

    /// A token for `sub` with `role`, good for 15 minutes.
    #[must_use]
    pub fn token(&self, sub: impl std::fmt::Display, role: Role) -> String {
        let username = matches!(role, Role::Customer | Role::Admin).then(|| format!("user{sub}"));
        sign(&self.key, &*self.clock, sub.to_string(), role, username)
    }

    /// A token with claims as given, signed by the world's key.
    #[must_use]
    pub fn token_with(&self, claims: &Claims) -> String {
        let header = Header { kid: Some("test".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key.private).unwrap()
    }

    /// A customer's token.
    #[must_use]
    pub fn customer(&self, user: UserId) -> String {
        self.token(user, Role::Customer)
    }

    /// An admin's token.
    #[must_use]
    pub fn admin(&self) -> String {
        self.token(1, Role::Admin)
    }

    /// A new user's id.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.deps.ids.next()
    }

    /// Puts `event` into an envelope.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: &E) -> Envelope {
        Stamper::new(self.deps.ids.clone(), self.clock.clone()).stamp(event).unwrap()
    }

    /// Publishes `event`, as another service would.
    pub async fn publish<E: Event>(&self, event: &E) {
        self.deps.transport.publish(&[self.envelope(event)]).await.unwrap();
    }

    /// The events of type `E` that wait in `queue`, which nobody may consume meanwhile. Waits for at
    /// least one message in the queue.
    pub async fn waiting<E: Event>(&self, queue: &'static Queue) -> Vec<E> {
        let mut subscription = self.deps.transport.subscribe(queue).await.unwrap();
        let has_heard =
            self.engines.as_ref().is_some_and(|engines| engines.heard.lock().unwrap().contains_key(queue.name));
        let patience = if has_heard { QUIET } else { Duration::from_secs(20) };
        let batch = tokio::time::timeout(patience, subscription.next(1_000)).await;
        let found =
            |batch: &[Delivery]| -> Vec<Envelope> { batch.iter().map(|delivery| delivery.envelope.clone()).collect() };
        let opened = |heard: &[Envelope]| heard.iter().filter_map(|envelope| envelope.open().ok()).collect();
        let Some(engines) = &self.engines else {
            let batch = batch.unwrap_or_else(|_| panic!("nothing arrived in {}", queue.name)).unwrap();
            return opened(&found(&batch));
        };
        // A broker hands out one after another, and no more than it is to wait for: each is taken and kept here.
        let mut batch = batch.map(Result::unwrap).unwrap_or_default();
        while !batch.is_empty() {
            engines.heard.lock().unwrap().entry(queue.name).or_default().extend(found(&batch));
            subscription.settle(batch.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect()).await.unwrap();
            let more = tokio::time::timeout(QUIET, subscription.next(1_000)).await;
            batch = more.map(Result::unwrap).unwrap_or_default();
        }
        let heard = engines.heard.lock().unwrap().get(queue.name).cloned().unwrap_or_default();
        assert!(!heard.is_empty(), "nothing arrived in {}", queue.name);
        opened(&heard)
    }
}

fn make_key() -> Key {
    let pair =
        aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("test".to_owned());
    Key { private, public: JwkSet { keys: vec![jwk] } }
}

fn sign(key: &Key, clock: &dyn Clock, sub: String, role: Role, username: Option<String>) -> String {
    let now = clock.now().seconds();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub,
        aud: AUDIENCE.to_owned(),
        exp: now + 900,
        iat: now,
        jti: format!("{now}"),
        username,
        role,
    };
    let header = Header { kid: Some("test".to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, &claims, &key.private).unwrap()
}
