//! The discovery client: registers this process's services and keeps the [`Directory`] of all services up to date.
//!
//! While no registry is reachable, calls continue with the last known instances.

mod address;
mod fetching;
mod listing;
mod metrics;
mod registration;
mod registry;
mod replica;
mod servers;

use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, IdGen, Secret};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{call::Directory, config::ConfigError};

use fetching::Fetching;
use listing::Listing;
use registration::Registration;
pub use registry::{RegisteredInstance, Registry};
use servers::Servers;

/// The service that checks passwords and hands out tokens: its address is believed to a registry that knows its callers.
const TRUSTED: &str = "auth";
/// Time limit of [`Discovery::deregister`], which delays the end of the process.
const DEREGISTER_LIMIT: Duration = Duration::from_secs(1);

/// The section `registration`: what this process registers, and how often it renews and fetches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationConfig {
    /// Host name or IP address at which other machines reach this process. Default: the address of the listener, or of
    /// the interface towards the registry when that is unspecified.
    pub host: Option<String>,
    /// Interval between two renewals of a lease, in seconds. Default: 30.
    pub renewal_interval_seconds: u64,
    /// Duration of a lease without renewal, in seconds, longer than the renewal interval. Default: 90.
    pub lease_duration_seconds: u64,
    /// Interval between two fetches of the registry, in seconds. Default: 10.
    pub fetch_interval_seconds: u64,
    /// Value of the metadata entry `zone`; not registered when absent.
    pub zone: Option<String>,
    /// Further metadata entries of each instance. Default: none.
    pub metadata: BTreeMap<String, String>,
}

impl Default for RegistrationConfig {
    fn default() -> Self {
        Self {
            host: None,
            renewal_interval_seconds: 30,
            lease_duration_seconds: 90,
            fetch_interval_seconds: 10,
            zone: None,
            metadata: BTreeMap::new(),
        }
    }
}

impl RegistrationConfig {
    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let seconds = [
            ("renewal-interval-seconds", self.renewal_interval_seconds),
            ("lease-duration-seconds", self.lease_duration_seconds),
            ("fetch-interval-seconds", self.fetch_interval_seconds),
        ];
        for (key, _) in seconds.into_iter().filter(|(_, seconds)| !(1..=86_400).contains(seconds)) {
            mistakes.push(format!("registration.{key}: it is from 1 to 86400"));
        }
        if self.lease_duration_seconds <= self.renewal_interval_seconds {
            let advice = "it must be longer than renewal-interval-seconds, best three times, or the registry evicts \
                          living instances";
            mistakes.push(format!("registration.lease-duration-seconds: {advice}"));
        }
        if self.host.as_deref().is_some_and(|host| address::host(host).is_none()) {
            let advice = "it is a name or an IP address alone, such as order-1 or 10.0.0.5";
            mistakes.push(format!("registration.host: {advice}"));
        }
        mistakes
    }
}

/// The discovery client of one process. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Discovery(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    servers: Servers,
    config: RegistrationConfig,
    directory: Directory,
    fixed: HashSet<String>,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    registrations: Mutex<Registrations>,
}

/// Tasks that keep registrations alive, and the token that ends them.
#[derive(Debug, Default)]
struct Registrations {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Discovery {
    /// Returns a client of the registries at `urls`: a comma-separated list of URLs like
    /// `http://user:password@host:8761/eureka`, whose path may be left out. The first that answers is used until it fails.
    /// The instances of the services in `fixed` are left as `directory` has them, and those of auth unless every registry
    /// requires credentials.
    ///
    /// Errors: invalid URLs, reported without their text, which may hold a password; intervals that contradict each other.
    pub fn new(
        urls: &Secret,
        config: RegistrationConfig,
        directory: Directory,
        fixed: HashSet<String>,
        clock: Arc<dyn Clock>,
        ids: IdGen,
    ) -> Result<Self, ConfigError> {
        let mut mistakes = config.mistakes();
        let servers = Servers::new(urls).map_err(|wrong| mistakes.extend(wrong));
        let (Ok(servers), true) = (servers, mistakes.is_empty()) else { return Err(ConfigError(mistakes)) };
        let mut fixed = fixed;
        if !servers.have_credentials() && fixed.insert(TRUSTED.to_owned()) {
            tracing::info!(
                "auth stays at its configured address, or this machine's: whoever registers as auth receives passwords, so it \
                 is taken from a registry only with credentials in SOUK_DISCOVERY_URL"
            );
        }
        metrics::describe();
        let registrations = Mutex::default();
        Ok(Self(Arc::new(Inner { servers, config, directory, fixed, clock, ids, registrations })))
    }

    /// Fetches the registry at `url` once and returns the base URLs of each service. Registers nothing.
    ///
    /// Errors: no usable response; the sentence holds no password.
    pub async fn list_services(url: &Secret, clock: &dyn Clock) -> Result<BTreeMap<String, Vec<String>>, String> {
        let servers = Servers::new(url).map_err(|mistakes| mistakes.join("; "))?;
        let whole = fetching::fetch_all(&servers, clock.now()).await?;
        let instances = whole.applications.iter().flat_map(|application| &application.instances);
        let services = listing::by_service(instances).into_iter();
        Ok(services.map(|(service, bases)| (service, bases.into_keys().collect())).collect())
    }

    /// Fetches the registry periodically and updates the directory, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let listing = Listing::new(
            self.0.directory.clone(),
            self.0.fixed.clone(),
            Duration::from_secs(self.0.config.lease_duration_seconds),
        );
        stop.run_until_cancelled(Fetching::new(Arc::clone(&self.0), listing).run()).await;
    }

    /// Registers an instance of `service` at `address` in a task of its own and renews its lease until
    /// [`Discovery::deregister`]. While no registry is reachable, the registration is retried.
    pub fn register(&self, service: &'static str, address: SocketAddr) {
        let registrations = self.0.registrations.lock();
        let registration = Registration::new(Arc::clone(&self.0), service, address);
        registrations.tasks.spawn(registration.run(registrations.stop.clone()));
    }

    /// Deregisters all instances of this process within 1 s. Call it before the listeners close, so that no caller
    /// chooses a closed one.
    pub async fn deregister(&self) {
        let Registrations { stop, tasks } = std::mem::take(&mut *self.0.registrations.lock());
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(DEREGISTER_LIMIT, tasks.wait()).await.is_err() {
            tracing::warn!("the instances of this process could not be deregistered in time; their leases will expire");
        }
    }
}

/// Pause between two requests to the registry: the interval after a success, exponential back-off after a failure.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    failures: u32,
}

/// Pause after the first failure; doubled after each further one, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Pace {
    fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    fn record(&mut self, succeeded: bool) {
        self.failures = if succeeded { 0 } else { self.failures.saturating_add(1) };
    }

    /// Sleeps by `clock`, with jitter, so that the requests of many processes spread.
    async fn pause(&self, clock: &dyn Clock, ids: &IdGen) {
        let pause = match self.failures {
            0 => self.interval.mul_f64(0.9) + ids.jitter(self.interval.mul_f64(0.1)),
            failures => {
                let whole = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(self.interval);
                whole / 2 + ids.jitter(whole / 2)
            }
        };
        souk_values::clock::sleep(clock, pause).await;
    }
}
