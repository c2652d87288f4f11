//! The contract between a service and the process that runs it.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use souk_bus::{Stamper, Transport};
use souk_values::{Clock, Currency, DayCalendar, IdGen, Secret};
use utoipa::openapi::OpenApi;

use crate::{ServiceParts, auth::Verifier, call::Peers};

/// A service of the shop. Implemented by one unit struct per service crate; the binary has one row for each.
pub trait Service {
    /// Name in addresses, configuration, logs and metrics: lower case, such as `config-server`.
    const NAME: &'static str;
    /// Standard port, shifted with the gateway's in an embedded shop.
    const PORT: u16;
    /// The service's section of the configuration.
    type Config: DeserializeOwned + Serialize + Default + Clone + Send + Sync + 'static;

    /// Opens the stores and assembles the service.
    ///
    /// Errors: a store cannot be opened or migrated; the configuration contradicts itself.
    fn build(config: Self::Config, deps: &Deps) -> impl Future<Output = Result<ServiceParts, StartError>> + Send;

    /// The OpenAPI document, which needs no store.
    fn openapi() -> OpenApi;

    /// URLs of the stores that `config` names; empty for a service without one.
    fn store_urls(config: &Self::Config) -> Vec<&str> {
        let _ = config;
        Vec::new()
    }

    /// Migrates the store at `store_url` and returns the names of the migrations applied.
    #[must_use]
    fn migrate(store_url: &str) -> impl Future<Output = Result<Vec<String>, StartError>> + Send {
        let _ = store_url;
        std::future::ready(Ok(Vec::new()))
    }

    /// Returns the names of the migrations that the store at `store_url` lacks; changes nothing.
    #[must_use]
    fn pending_migrations(store_url: &str) -> impl Future<Output = Result<Vec<String>, StartError>> + Send {
        let _ = store_url;
        std::future::ready(Ok(Vec::new()))
    }
}

/// Shared resources that every service is built with. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Source of the current time; tests and `--test-clock` move it.
    pub clock: Arc<dyn Clock>,
    /// Source of ids and random bits.
    pub ids: IdGen,
    /// Event transport: the local bus, or RabbitMQ.
    pub transport: Arc<dyn Transport>,
    /// Clients of the other services.
    pub peers: Peers,
    /// Verifier of access tokens.
    pub verifier: Verifier,
    /// The section `shop`, shared by all services.
    pub shop: ShopConfig,
}

impl Deps {
    /// Returns a stamper that puts this service's events into envelopes.
    #[must_use]
    pub fn stamper(&self) -> Stamper {
        Stamper::new(self.ids.clone(), Arc::clone(&self.clock))
    }
}

/// The section `shop`, which all services read.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShopConfig {
    /// ISO 4217 code of every price and order. Default: EUR.
    pub currency: Currency,
    /// IANA name of the time zone whose days the summaries count, such as `Europe/Berlin`. Default: UTC.
    pub time_zone: DayCalendar,
    /// Shop name in mails and on pages. Default: "Souk".
    pub name: String,
    /// Public base URL, used for links in mails. Default: <http://localhost:8080>.
    pub public_url: String,
    /// Secret that services exchange for service tokens, the same in the whole shop. Empty: auth issues none.
    pub service_secret: Secret,
}

impl Default for ShopConfig {
    fn default() -> Self {
        Self {
            currency: Currency::EUR,
            time_zone: DayCalendar::default(),
            name: "Souk".to_owned(),
            public_url: "http://localhost:8080".to_owned(),
            service_secret: Secret::default(),
        }
    }
}

/// A failure to build or start a service.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened or migrated.
    #[error(transparent)]
    Store(#[from] souk_sql::SqlError),
    /// The bus cannot be opened.
    #[error(transparent)]
    Bus(#[from] souk_bus::BusError),
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A file, port or folder cannot be used; the text names it.
    // The cause is in the message and so no source: a log that appends the sources would have its text twice.
    #[error("{0}: {1}")]
    Io(String, std::io::Error),
    /// Any other reason, as a sentence.
    #[error("{0}")]
    Other(String),
}

impl StartError {
    /// True when a retry can succeed without a change: an engine that is down or busy, not a wrong configuration.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) | Self::Bus(souk_bus::BusError::Store(error)) => error.is_transient(),
            Self::Bus(souk_bus::BusError::Unavailable(_)) => true,
            Self::Bus(_) | Self::Config(_) | Self::Io(..) | Self::Other(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigError, Sources};

    #[test]
    fn the_time_zone_is_a_name_and_a_wrong_one_names_its_key() {
        let shop = |zone: &str| {
            let variable = ("SOUK_SHOP__TIME_ZONE".to_owned(), zone.to_owned());
            Sources::default().with_env([variable]).section::<ShopConfig>("shop")
        };
        assert_eq!(Sources::default().section::<ShopConfig>("shop").unwrap().time_zone.zone(), "UTC");
        assert_eq!(shop("Pacific/Auckland").unwrap().time_zone.zone(), "Pacific/Auckland");
        for wrong in ["Europe/Berln", "+01:00"] {
            let ConfigError(mistakes) = shop(wrong).unwrap_err();
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert!(mistakes[0].contains("shop.time-zone") && mistakes[0].contains(wrong), "{mistakes:?}");
            assert!(mistakes[0].contains("Europe/Berlin or UTC"), "{mistakes:?}");
        }
    }

    #[test]
    fn the_text_of_an_io_error_appears_once_in_the_chain() {
        let error = StartError::Io("mail folder".to_owned(), std::io::Error::other("no space"));
        let chain = std::iter::successors(Some::<&dyn std::error::Error>(&error), |cause| cause.source());
        let text: Vec<String> = chain.map(ToString::to_string).collect();
        assert_eq!(text, ["mail folder: no space"]);
    }
}
