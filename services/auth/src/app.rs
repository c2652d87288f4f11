//! State shared by handlers and tasks, and the retry loop for changes of an account.

use std::sync::Arc;

use ipnet::IpNet;
use souk_bus::Stamper;
use souk_kit::{Deps, StartError, auth::Verifier};
use souk_values::{Clock, IdGen, Secret};
use tokio::sync::{Notify, Semaphore};

use crate::{
    AuthConfig,
    account::Account,
    budgets::Budgets,
    error::AuthError,
    keyring::Keyring,
    loopback,
    password::Hasher,
    store::{AccountChange, AuthStore, StoreAuthority, StoreError},
};

/// Attempts to save a decision before concurrent changes of the same account make it fail.
pub(crate) const MAX_ATTEMPTS: u32 = 5;

/// Sign-ins of strangers that are checked at a time: as many as may wait to be hashed, and are.
const MAX_STRANGERS: usize = 35;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) store: AuthStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGen,
    pub(crate) stamper: Stamper,
    pub(crate) hasher: Hasher,
    /// Failed sign-ins that are left, whoever fails.
    pub(crate) budgets: Arc<Budgets>,
    /// Limits the sign-ins of strangers that are checked at a time, so that they leave the store's connections to others.
    pub(crate) strangers: Arc<Semaphore>,
    pub(crate) keys: Arc<Keyring>,
    /// Verifies with the keys of auth's own store.
    pub(crate) verifier: Verifier,
    pub(crate) service_secret: Secret,
    pub(crate) operator_secret: Secret,
    /// Proxies whose `X-Forwarded-For` is trusted.
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
        config.check_key_days()?;
        let store = AuthStore::open(&config.store_url).await?;
        let keys = Keyring::open(config, &store, &*deps.clock).await?;
        Ok(Self {
            clock: Arc::clone(&deps.clock),
            ids: deps.ids.clone(),
            stamper: deps.stamper(),
            hasher: Hasher::new(deps.ids.clone())?,
            budgets: Arc::new(Budgets::new(&deps.clock)),
            strangers: Arc::new(Semaphore::new(MAX_STRANGERS)),
            keys: Arc::new(keys),
            verifier: Verifier::new(
                StoreAuthority { store: store.clone(), clock: Arc::clone(&deps.clock) },
                Arc::clone(&deps.clock),
            ),
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
