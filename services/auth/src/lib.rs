//! The auth service: who people are, what they may do, and the tokens that say so.

pub mod audit;
pub mod config;

mod account;
mod address;
mod cookie;
mod error;
mod first_admin;
mod metrics;
mod password;
mod routes;
mod session;
mod sign_in;
mod signing;
mod store;
mod throttle;
mod upkeep;

use std::sync::Arc;

use axum::Extension;
use souk_bus::{SqlOutbox, Stamper};
use souk_kit::{Deps, Service, StartError, auth::Verifier};
use souk_values::{Clock, IdGen, Secret};
use tokio::sync::Notify;

use account::Account;
use address::Network;
use error::AuthError;
use password::Hasher;
use signing::SigningKey;
use store::{AuthStore, Change, StoreError, StoreKeys};

pub use config::AuthConfig;
pub use first_admin::FirstAdmin;

/// How often a change is decided anew when somebody else was faster.
const DECISIONS: u32 = 5;

/// What every handler of auth works with.
#[derive(Debug, Clone)]
struct App {
    store: AuthStore,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    stamper: Stamper,
    hasher: Hasher,
    key: Arc<SigningKey>,
    verifier: Verifier,
    service_secret: Secret,
    operator_secret: Secret,
    trusted: Arc<[Network]>,
    public_is_loopback: bool,
    reset_asked: Arc<Notify>,
}

impl App {
    /// Decides on the newest version of an account and saves that, again if somebody else was faster.
    /// `None` of `decide` changes nothing.
    async fn change(
        &self,
        mut account: Account,
        decide: impl Fn(Account) -> Result<Option<Change>, AuthError>,
    ) -> Result<Account, AuthError> {
        let user_id = account.user_id;
        let mut attempt = 1;
        loop {
            let Some(change) = decide(account.clone())? else { return Ok(account) };
            let changed = change.account.clone();
            match self.store.save(change).await {
                Ok(()) => return Ok(changed),
                Err(StoreError::Stale) if attempt < DECISIONS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
            account = self.store.account(user_id).await?.ok_or(AuthError::AccountGone)?;
        }
    }
}

/// Builds the service. Also answers the first admin if this start made one: show the password once.
///
/// Errors: the store cannot be opened, or the configuration is wrong.
pub async fn build(config: AuthConfig, deps: &Deps) -> Result<(Service, Option<FirstAdmin>), StartError> {
    let trusted = trusted_networks(&config)?;
    let store = AuthStore::open(&config.store_url).await?;
    let key = signing_key(&config, &store, &*deps.clock).await?;
    let verifier = Verifier::new(StoreKeys(store.clone()), Arc::clone(&deps.clock));
    let app = App {
        store: store.clone(),
        clock: Arc::clone(&deps.clock),
        ids: deps.ids.clone(),
        stamper: deps.stamper(),
        hasher: Hasher::new(deps.ids.clone()),
        key: Arc::new(key),
        verifier: verifier.clone(),
        service_secret: deps.shop.service_secret.clone(),
        operator_secret: config.operator_secret.clone(),
        trusted,
        public_is_loopback: cookie::is_loopback(&deps.shop.public_url),
        reset_asked: Arc::default(),
    };
    let first_admin = first_admin::ensure(&app, &config).await?;
    metrics::begin();
    let (router, openapi) = routes::table();
    // Auth's own keys are at hand, so its routes do not ask over HTTP what they tell themselves.
    let router = router.with_state(app.clone()).layer(Extension(verifier));
    let db = store.db().clone();
    let service = Service::new("auth", router, openapi)
        .telling(SqlOutbox::new(db.clone()))
        .running({
            let app = app.clone();
            |stop| upkeep::send_resets(app, stop)
        })
        .running(|stop| upkeep::prune(app, stop))
        .keeping(db);
    Ok((service, first_admin))
}

/// Brings the store at `store_url` up to date. Answers the names of the migrations it applied.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::migrate::<store::Migrations>(store_url).await?)
}

/// The names of the migrations that the store at `store_url` lacks; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::pending::<store::Migrations>(store_url).await?)
}

/// The document of all routes.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::table().1
}

/// The configured key, or the store's own, made when there is none.
async fn signing_key(config: &AuthConfig, store: &AuthStore, clock: &dyn Clock) -> Result<SigningKey, StartError> {
    let unusable = |error: signing::KeyError| StartError::Other(format!("auth.signing-key-pem: {error}"));
    if !config.signing_key_pem.expose().is_empty() {
        let key = SigningKey::from_pem(&config.signing_key_pem).map_err(unusable)?;
        store.keep_key(&key, None, clock.now()).await?;
        return Ok(key);
    }
    if store.private_key().await?.is_none() {
        let (key, private) = SigningKey::generate().map_err(unusable)?;
        store.keep_key(&key, Some(&private), clock.now()).await?;
    }
    // Read again, so that replicas that start together take the same key.
    let private = store.private_key().await?;
    let private = private.ok_or_else(|| StartError::Other("the store did not keep the signing key".into()))?;
    SigningKey::from_store(&private).map_err(unusable)
}

fn trusted_networks(config: &AuthConfig) -> Result<Arc<[Network]>, StartError> {
    let (mut networks, mut mistakes) = (Vec::new(), Vec::new());
    for text in &config.trusted_proxies {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(error) => mistakes.push(format!("auth.trusted-proxies: {error}")),
        }
    }
    if mistakes.is_empty() {
        Ok(networks.into())
    } else {
        Err(StartError::Config(souk_kit::config::ConfigError(mistakes)))
    }
}
