//! State shared by handlers and tasks, and the retry loop for changes of an account.

use std::sync::Arc;

use ipnet::IpNet;
use souk_bus::Stamper;
use souk_kit::{Deps, StartError, auth::Verifier};
use souk_values::{Clock, IdGen, Secret};
use tokio::sync::Notify;

use crate::{
    AuthConfig,
    account::Account,
    error::AuthError,
    loopback,
    password::Hasher,
    signing::{KeyError, SigningKey},
    store::{AccountChange, AuthStore, StoreError, StoreKeys},
};

/// Attempts to save a decision before concurrent changes of the same account make it fail.
pub(crate) const MAX_ATTEMPTS: u32 = 5;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: AuthStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGen,
    pub(crate) stamper: Stamper,
    pub(crate) hasher: Hasher,
    pub(crate) key: Arc<SigningKey>,
    /// Verifies with the keys of auth's own store.
    pub(crate) verifier: Verifier,
    pub(crate) service_secret: Secret,
    pub(crate) operator_secret: Secret,
    /// Proxies whose `X-Forwarded-For` is trusted, besides loopback.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    /// True if `shop.public-url` is on loopback, so that cookies need no TLS.
    pub(crate) public_is_loopback: bool,
    /// Wakes the task that mails reset tokens.
    pub(crate) reset_requested: Arc<Notify>,
}

impl App {
    /// Opens the store and loads the signing key.
    ///
    /// Errors: the store cannot be opened or migrated; the configuration is wrong.
    pub(crate) async fn open(config: &AuthConfig, deps: &Deps) -> Result<Self, StartError> {
        let trusted_proxies = config.trusted_networks()?;
        let store = AuthStore::open(&config.store_url).await?;
        let key = signing_key(config, &store, &*deps.clock).await?;
        Ok(Self {
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            hasher: Hasher::new(deps.ids.clone()),
            key: Arc::new(key),
            verifier: Verifier::new(StoreKeys(store.clone()), Arc::clone(&deps.clock)),
            service_secret: deps.shop.service_secret.clone(),
            operator_secret: config.operator_secret.clone(),
            trusted_proxies,
            public_is_loopback: loopback::is_loopback_url(&deps.shop.public_url),
            reset_requested: Arc::default(),
            store,
        })
    }

    /// Saves what `decide` returns for the account, and decides again on the new version if the account was
    /// changed concurrently. Returns the account afterwards; `None` of `decide` leaves it unchanged.
    pub(crate) async fn change(
        &self,
        mut account: Account,
        decide: impl Fn(Account) -> Result<Option<AccountChange>, AuthError>,
    ) -> Result<Account, AuthError> {
        let user_id = account.user_id;
        let mut attempt = 1;
        loop {
            let Some(change) = decide(account.clone())? else { return Ok(account) };
            let changed = change.account.clone();
            match self.store.save(change).await {
                Ok(()) => return Ok(changed),
                Err(StoreError::Stale) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
            account = self.store.account(user_id).await?.ok_or(AuthError::AccountMissing)?;
        }
    }
}

/// Returns the configured key, or the store's own, which is generated when the store has none.
async fn signing_key(config: &AuthConfig, store: &AuthStore, clock: &dyn Clock) -> Result<SigningKey, StartError> {
    let unusable = |error: KeyError| StartError::Other(format!("auth.signing-key-pem: {error}"));
    if !config.signing_key_pem.expose().is_empty() {
        let key = SigningKey::from_pem(&config.signing_key_pem).map_err(unusable)?;
        store.insert_key(&key, None, clock.now()).await?;
        return Ok(key);
    }
    if store.private_key().await?.is_none() {
        let (key, private) = SigningKey::generate().map_err(unusable)?;
        store.insert_key(&key, Some(&private), clock.now()).await?;
    }
    // Read back even after an insert: of several replicas that start together, all must sign with the oldest key.
    let private = store.private_key().await?;
    let private = private.ok_or_else(|| StartError::Other("the store did not keep the signing key".into()))?;
    SigningKey::from_store(&private).map_err(unusable)
}
