//! The discovery client: shows this process's services to the registry, and keeps the [`Directory`] of the others fresh.
//!
//! While no registry answers, everything goes on with what was known last.

mod address;
mod fetching;
mod listing;
mod metrics;
mod registration;
mod replica;
mod servers;

use std::{
    collections::{BTreeMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use souk_values::{Clock, IdGen, Secret};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{call::Directory, config::ConfigError};

use fetching::Fetching;
use listing::Listing;
use registration::Registration;
use servers::Servers;

/// How long leaving may take: somebody waits for the process to end.
const LEAVING: Duration = Duration::from_secs(1);

/// The section `registration`: how this process shows itself to the registry, and how often it looks there.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistrationConfig {
    /// A name or an IP address where others reach this process. Absent: where the listener is bound to, else the address
    /// from which the registry is reached.
    pub host: Option<String>,
    /// How often each service renews its registration, in seconds. 30.
    pub renewal_interval_seconds: u64,
    /// How long a registration lasts without renewal, in seconds; more than the interval, at least. 90.
    pub lease_duration_seconds: u64,
    /// How often the others are looked up, in seconds. 10.
    pub fetch_interval_seconds: u64,
    /// Shown to the others as the metadata `zone`. None.
    pub zone: Option<String>,
    /// Shown to the others beside it. Empty.
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
                          what is alive";
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
    registered: Mutex<Registered>,
}

/// The tasks that keep registrations alive, and what makes them leave.
#[derive(Debug, Default)]
struct Registered {
    leave: CancellationToken,
    tasks: TaskTracker,
}

impl Discovery {
    /// A client of the registries at `urls`: a comma list, each like `http://user:password@host:8761/eureka`, whose path
    /// may be left out. The first that answers is used until it fails. Services in `fixed` stay where `directory` has
    /// them.
    ///
    /// Errors: an address that is none, without telling it; intervals that make no sense.
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
        metrics::describe();
        let registered = Mutex::default();
        Ok(Self(Arc::new(Inner { servers, config, directory, fixed, clock, ids, registered })))
    }

    /// What the registry at `url` knows: services, and where they take calls. Registers nothing.
    ///
    /// Errors: it gives no answer that can be used, in a sentence without passwords.
    pub async fn look(url: &Secret, clock: &dyn Clock) -> Result<BTreeMap<String, Vec<String>>, String> {
        let servers = Servers::new(url).map_err(|mistakes| mistakes.join("; "))?;
        let whole = fetching::whole(&servers, clock.now()).await?;
        let instances = whole.applications.iter().flat_map(|application| &application.instances);
        let services = listing::by_service(instances).into_iter();
        Ok(services.map(|(service, bases)| (service, bases.into_keys().collect())).collect())
    }

    /// Fetches the registry again and again and keeps the directory fresh, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let listing = Listing::new(
            self.0.directory.clone(),
            self.0.fixed.clone(),
            Duration::from_secs(self.0.config.lease_duration_seconds),
        );
        stop.run_until_cancelled(Fetching::new(Arc::clone(&self.0), listing).run()).await;
    }

    /// Registers an instance of `service` that listens on `address`, and renews it until [`Discovery::leave`], in a task
    /// of its own. Asks for nothing but a runtime: without a registry it goes on trying.
    pub fn register(&self, service: &'static str, address: SocketAddr) {
        let registered = self.0.registered.lock().unwrap_or_else(PoisonError::into_inner);
        let registration = Registration::new(Arc::clone(&self.0), service, address);
        registered.tasks.spawn(registration.run(registered.leave.clone()));
    }

    /// Takes all instances of this process out of the registry, so that nobody calls them any more; takes a second at
    /// most. Call it before the listeners close.
    pub async fn leave(&self) {
        let Registered { leave, tasks } = {
            let mut registered = self.0.registered.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *registered)
        };
        leave.cancel();
        tasks.close();
        if tokio::time::timeout(LEAVING, tasks.wait()).await.is_err() {
            tracing::warn!("the registry was not told in time that this process ends; its leases will run out");
        }
    }
}

/// How long to wait between two attempts: an interval while all is well, back-off while it is not.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    failures: u32,
}

/// The pause after the first failure; it doubles with each, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

impl Pace {
    fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    fn note(&mut self, has_worked: bool) {
        self.failures = if has_worked { 0 } else { self.failures.saturating_add(1) };
    }

    /// Sleeps by `clock`. A part is left to chance, so that processes do not all come at once.
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
