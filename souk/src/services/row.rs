//! A row of the table of services: a [`Service`] without its type, and the section that it reads.

use std::{any::Any, fmt, path::PathBuf};

use futures::future::BoxFuture;
use serde_json::Value;
use souk_bus::{BusError, Outbox, SqlOutbox};
use souk_events::Envelope;
use souk_kit::{
    Deps, Service, ServiceParts, StartError,
    config::{ConfigError, Sources},
};
use souk_sql::{Access, Db};

use crate::folder::Folder;

/// Limit of unpublished events read from one outbox. Those behind the oldest are found once these are published.
pub(super) const MAX_UNPUBLISHED: u64 = 10_000;

/// A service of this build, without its type.
pub struct ServiceRow {
    pub name: &'static str,
    /// Port of `souk serve`. In an embedded shop it moves with the gateway's.
    pub port: u16,
    pub role: Role,
    /// Stores that its section names; empty for a service without one.
    pub(super) stores: Vec<StoreKey>,
    /// Keys whose values are paths in an embedded shop's folder unless they are configured.
    folder_keys: Vec<(&'static str, PathInFolder)>,
    pub openapi: fn() -> serde_json::Result<String>,
    /// Migrates the store at a URL and returns the names of the migrations applied.
    pub migrate: StoreCall<String, StartError>,
    /// Returns the names of the migrations that the store at a URL lacks.
    pub pending_migrations: StoreCall<String, StartError>,
    /// Returns the oldest events in the outbox of the store at a URL, at most 10,000.
    pub unpublished: StoreCall<Envelope, BusError>,
    /// Reads the section as far as it is correct, and its mistakes.
    pub read: ReadCall,
    /// Checks a section for values that contradict each other.
    pub check: CheckCall,
}

/// A service's part in the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Shares the bus and the service secret, and can be rebuilt while the process runs.
    Shop,
    /// Public entrance: two listeners, neither bus nor secret.
    Gateway,
    /// Registry or configuration, which the others depend on: neither bus nor secret.
    Platform,
}

/// A key that names a store in a service's section.
pub struct StoreKey {
    /// `store_url`, in snake case.
    pub key: &'static str,
    /// File of the store in an embedded shop's folder, without `.db`.
    pub file: &'static str,
    /// Returns false when the rest of the configuration makes the store unnecessary.
    pub is_used: fn(&Sources) -> bool,
}

type PathInFolder = fn(&Folder) -> PathBuf;
type ReadCall = fn(&'static ServiceRow, &Sources) -> (Option<Section>, Vec<String>);
type CheckCall = Box<dyn Fn(&Section) -> Result<(), ConfigError> + Send + Sync>;
type StoreCall<T, E> = for<'u> fn(&'u str) -> BoxFuture<'u, Result<Vec<T>, E>>;

impl ServiceRow {
    pub(super) fn of<S: Service + 'static>() -> Self {
        let has_store = !S::store_urls(&S::Config::default()).is_empty();
        let own_store = StoreKey { key: "store_url", file: S::NAME, is_used: |_| true };
        Self {
            name: S::NAME,
            port: S::PORT,
            role: Role::Shop,
            stores: has_store.then_some(own_store).into_iter().collect(),
            folder_keys: Vec::new(),
            openapi: || S::openapi().to_pretty_json(),
            migrate: |url| Box::pin(S::migrate(url)),
            pending_migrations: |url| Box::pin(S::pending_migrations(url)),
            unpublished: |url| Box::pin(unpublished(url)),
            read: |row, sources| {
                let (config, mistakes) = sources.section_and_mistakes(S::NAME);
                (config.map(|config| Section::new::<S>(row, config)), mistakes)
            },
            check: Box::new(|_| Ok(())),
        }
    }

    pub(super) fn in_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Adds a store beside the service's own.
    pub(super) fn with_store(mut self, store: StoreKey) -> Self {
        self.stores.push(store);
        self
    }

    pub(super) fn with_folder_key(mut self, key: &'static str, path: PathInFolder) -> Self {
        self.folder_keys.push((key, path));
        self
    }

    /// Replaces the reading of the outbox, for a store whose outbox is not a SeaORM table.
    pub(super) fn with_outbox(self, unpublished: StoreCall<Envelope, BusError>) -> Self {
        Self { unpublished, ..self }
    }

    /// Adds a check of values that contradict each other.
    pub(super) fn with_check<C: 'static>(self, check: fn(&C) -> Result<(), ConfigError>) -> Self {
        Self { check: Box::new(move |section| section.config().map_or(Ok(()), check)), ..self }
    }

    /// Returns the stores that `sources` make necessary.
    pub fn stores(&self, sources: &Sources) -> impl Iterator<Item = &StoreKey> {
        self.stores.iter().filter(move |store| (store.is_used)(sources))
    }

    /// Returns the values that an embedded shop's folder sets, by key.
    pub fn folder_values(&self, folder: &Folder) -> Vec<(&'static str, String)> {
        let stores = self.stores.iter().map(|store| (store.key, folder.store_url(store.file)));
        let paths = self.folder_keys.iter().map(|(key, path)| (*key, path(folder).display().to_string()));
        stores.chain(paths).collect()
    }
}

impl fmt::Debug for ServiceRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceRow").field("name", &self.name).finish_non_exhaustive()
    }
}

async fn unpublished(url: &str) -> Result<Vec<Envelope>, BusError> {
    SqlOutbox::new(Db::open(url, Access::ReadOnly).await?).unpublished(MAX_UNPUBLISHED).await
}

/// The configuration of one service, as its row read it.
pub struct Section {
    pub service: &'static ServiceRow,
    config: Box<dyn Configured>,
}

/// The operations of [`Service`] that need its configuration.
trait Configured: Send + Sync {
    fn store_urls(&self) -> Vec<&str>;
    fn build<'a>(&'a self, deps: &'a Deps) -> BoxFuture<'a, Result<ServiceParts, StartError>>;
    fn to_json(&self) -> serde_json::Result<Value>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

struct ConfigOf<S: Service>(S::Config);

impl<S: Service + 'static> Configured for ConfigOf<S> {
    fn store_urls(&self) -> Vec<&str> {
        S::store_urls(&self.0)
    }

    fn build<'a>(&'a self, deps: &'a Deps) -> BoxFuture<'a, Result<ServiceParts, StartError>> {
        Box::pin(S::build(self.0.clone(), deps))
    }

    fn to_json(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&self.0)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }
}

impl Section {
    fn new<S: Service + 'static>(service: &'static ServiceRow, config: S::Config) -> Self {
        Self { service, config: Box::new(ConfigOf::<S>(config)) }
    }

    pub fn name(&self) -> &'static str {
        self.service.name
    }

    /// Returns the URLs of the stores that the section names.
    pub fn store_urls(&self) -> Vec<&str> {
        self.config.store_urls()
    }

    /// Opens the stores and assembles the service.
    pub async fn build(&self, deps: &Deps) -> Result<ServiceParts, StartError> {
        self.config.build(deps).await
    }

    /// Returns the section as JSON, secrets included.
    pub fn to_json(&self) -> serde_json::Result<Value> {
        self.config.to_json()
    }

    /// Returns the configuration if it is a `C`: for the few services that the process itself knows something about.
    pub fn config<C: 'static>(&self) -> Option<&C> {
        self.config.as_any().downcast_ref()
    }

    pub fn config_mut<C: 'static>(&mut self) -> Option<&mut C> {
        self.config.as_any_mut().downcast_mut()
    }
}
