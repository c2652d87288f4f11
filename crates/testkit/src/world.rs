//! The environment of services under test: folder, clock, bus, keys and fake peers.

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
use serde_json::{Value, json};
use souk_bus::{LocalTransport, Stamper, Transport, Verdict};
use souk_events::{Envelope, Event, Queue};
use souk_kit::{
    Deps, Peers, Running, ServiceParts, ShopConfig,
    auth::{
        AUDIENCE, Authority, Claims, EndedRights, EndedUser, ISSUER, Role, ServiceToken, ServiceTokenRequest, Verifier,
    },
    call::Directory,
};
use souk_sql::Access;
use souk_values::{Clock, IdGen, Secret, ShiftedClock, Timestamp, UserId};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::{Client, TestTopology, engine::Stores, on_engines};

/// Time limit for the first message in a queue.
const FIRST_MESSAGE: Duration = Duration::from_secs(20);
/// Time without a message after which a queue of a broker counts as empty.
const QUIET: Duration = Duration::from_millis(200);

/// Everything that services need, created for one test and removed after it.
#[derive(Debug)]
pub struct World {
    /// Folder of the SQLite files.
    pub folder: TempDir,
    /// Clock of all services, which `advance` shifts.
    pub clock: Arc<ShiftedClock>,
    /// Dependencies for building services.
    pub deps: Deps,
    key: Arc<Key>,
    ended: Arc<Mutex<Vec<EndedUser>>>,
    /// Users of the fake auth by their e-mail addresses in lower case.
    emails: Arc<Mutex<HashMap<String, UserId>>>,
    /// Resources on engines; `None` if tests run on files.
    engines: Option<Engines>,
    /// Messages that the test has received from each queue, by its name.
    received: Mutex<HashMap<&'static str, (&'static Queue, Vec<Envelope>)>>,
}

#[derive(Debug)]
struct Engines {
    stores: Stores,
    topology: TestTopology,
}

impl Engines {
    async fn new(clock: Arc<dyn Clock>) -> Self {
        let stores = Stores::new();
        let topology = TestTopology::declare(stores.prefix(), clock).await;
        Self { stores, topology }
    }
}

/// A started service with a client.
#[derive(Debug)]
pub struct Started {
    /// Client without a token.
    pub client: Client,
    /// Handle of the running service, with which a test can stop it.
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

/// An auth with one key, and the ended rights of a test.
#[derive(Debug, Clone)]
struct FixedAuthority {
    keys: JwkSet,
    ended: Arc<Mutex<Vec<EndedUser>>>,
}

#[async_trait::async_trait]
impl Authority for FixedAuthority {
    async fn keys(&self) -> Result<JwkSet, String> {
        Ok(self.keys.clone())
    }

    async fn ended(&self, _: Option<Timestamp>) -> Result<EndedRights, String> {
        Ok(EndedRights { users: self.ended.lock().unwrap().clone(), ..EndedRights::NONE })
    }
}

impl World {
    /// Returns a new world with a fake auth that issues service tokens.
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
        let ended = Arc::<Mutex<Vec<EndedUser>>>::default();
        let authority = FixedAuthority { keys: key.public.clone(), ended: Arc::clone(&ended) };
        let verifier = Verifier::new(authority, clock.clone());
        let deps = Deps { clock: clock.clone(), ids, transport, peers, verifier, shop: ShopConfig::default() };
        let world =
            Self { folder, clock, deps, key, ended, emails: Arc::default(), engines, received: Mutex::default() };
        world.fake_auth().await;
        world
    }

    /// Returns the URL of the store of service `name`: a SQLite file, or a separate database on the engine that the service
    /// has in a distributed installation.
    #[must_use]
    pub fn store_url(&self, name: &str) -> String {
        match &self.engines {
            Some(engines) => engines.stores.url(name),
            None => format!("sqlite:{}/{name}.db", self.folder.path().display()),
        }
    }

    /// Starts `service` on a free port, and adds it to the directory of its peers.
    pub async fn serve(&self, service: ServiceParts) -> Started {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = service.name;
        let running = souk_kit::start(service, listener, &self.deps).unwrap();
        let base = format!("http://{}", running.address);
        self.deps.peers.directory().set(name, [base.clone()]);
        Started { client: Client::new(base), running }
    }

    /// Serves `router` as the service `name`, and returns its base URL.
    pub async fn fake_peer(&self, name: &str, router: Router) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        self.deps.peers.directory().set(name, [base.clone()]);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        base
    }

    async fn fake_auth(&self) {
        let key = Arc::clone(&self.key);
        let clock = self.clock.clone();
        let issue = move |Json(request): Json<ServiceTokenRequest>| {
            let access_token = sign(&key, &*clock, request.service, Role::Service, None);
            async move { Json(ServiceToken { access_token, expires_in: 900 }) }
        };
        let emails = Arc::clone(&self.emails);
        let find = move |Json(request): Json<Value>| {
            let email = request["email"].as_str().unwrap_or_default().to_lowercase();
            let user = emails.lock().unwrap().get(&email).copied();
            async move { Json(json!({"userId": user})) }
        };
        let router = Router::new().route("/internal/tokens", post(issue)).route("/internal/users/find", post(find));
        self.fake_peer("auth", router).await;
    }

    /// Returns a token for `sub` with `role` that expires after 15 minutes.
    #[must_use]
    pub fn token(&self, sub: impl std::fmt::Display, role: Role) -> String {
        let username = matches!(role, Role::Customer | Role::Admin).then(|| format!("user{sub}"));
        sign(&self.key, &*self.clock, sub.to_string(), role, username)
    }

    /// Returns a token with exactly these claims, signed by the world's key.
    #[must_use]
    pub fn token_with(&self, claims: &Claims) -> String {
        let header = Header { kid: Some("test".to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key.private).unwrap()
    }

    /// Returns the token of a customer.
    #[must_use]
    pub fn customer(&self, user: UserId) -> String {
        self.token(user, Role::Customer)
    }

    /// Returns the token of an administrator.
    #[must_use]
    pub fn admin(&self) -> String {
        self.token(1, Role::Admin)
    }

    /// Ends the rights of all tokens that `user` has, as auth does for a locked user.
    pub fn end_rights_of(&self, user: UserId) {
        self.ended.lock().unwrap().push(EndedUser { user_id: user, epoch: 1 });
    }

    /// Gives `user` an account with the address `email` at the fake auth.
    pub fn has_email(&self, user: UserId, email: &str) {
        self.emails.lock().unwrap().insert(email.to_lowercase(), user);
    }

    /// Returns the id of a new user.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.deps.ids.next()
    }

    /// Wraps `event` in an envelope.
    #[must_use]
    pub fn envelope<E: Event>(&self, event: &E) -> Envelope {
        Stamper::new(self.deps.ids.clone(), self.clock.clone()).stamp(event).unwrap()
    }

    /// Publishes `event` as another service would.
    pub async fn publish<E: Event>(&self, event: &E) {
        self.deps.transport.publish(&[self.envelope(event)]).await.unwrap();
    }

    /// Returns the events of type `E` that wait in `queue`, which must have no consumer. Waits for at least one message in
    /// the queue.
    pub async fn waiting<E: Event>(&self, queue: &'static Queue) -> Vec<E> {
        let has_received = self.received.lock().unwrap().contains_key(queue.name);
        self.take(queue, if has_received { QUIET } else { FIRST_MESSAGE }).await;
        let received = self.received.lock().unwrap().get(queue.name).map(|(_, received)| received.clone());
        let received = received.unwrap_or_else(|| panic!("nothing arrived in {}", queue.name));
        received.iter().filter_map(|envelope| envelope.open().ok()).collect()
    }

    /// Takes what waits in the queues from which the test has received before, for the next call of [`World::waiting`]:
    /// on files, the outbox of a service keeps its events until then.
    pub async fn take_waiting(&self) {
        let queues: Vec<_> = self.received.lock().unwrap().values().map(|(queue, _)| *queue).collect();
        for queue in queues {
            self.take(queue, QUIET).await;
        }
    }

    /// Takes messages from `queue` and acknowledges them, since a broker delivers no more than its prefetch limit at a time.
    async fn take(&self, queue: &'static Queue, mut timeout: Duration) {
        let mut subscription = self.deps.transport.subscribe(queue).await.unwrap();
        while let Ok(batch) = tokio::time::timeout(timeout, subscription.next(1_000)).await {
            let batch = batch.unwrap();
            let found = batch.iter().map(|delivery| delivery.envelope.clone());
            self.received.lock().unwrap().entry(queue.name).or_insert((queue, Vec::new())).1.extend(found);
            subscription.settle(batch.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect()).await.unwrap();
            if self.engines.is_none() {
                break;
            }
            timeout = QUIET;
        }
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
        epoch: 0,
    };
    let header = Header { kid: Some("test".to_owned()), ..Header::new(Algorithm::ES256) };
    jsonwebtoken::encode(&header, &claims, &key.private).unwrap()
}
