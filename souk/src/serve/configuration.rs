//! Everything that a process of services is configured with, from the environment, all mistakes at once.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use serde::{Deserialize, Serialize};
use souk_kit::{
    ShopConfig,
    config::{ConfigError, Sources},
    discovery::RegistrationConfig,
};
use souk_payment::ProviderName;

use crate::{
    bus::BusConfig,
    files,
    services::{NAMES, stands_alone},
    settings::Settings,
};

/// What a process is configured with.
pub struct Configuration {
    pub host: IpAddr,
    /// What is logged.
    pub log_filter: &'static str,
    pub shop: ShopConfig,
    /// `None` when there is none, and nobody in this process needs it.
    pub bus: Option<BusConfig>,
    /// Where each service is, as far as that is known before the registry is asked.
    pub services: BTreeMap<String, Vec<String>>,
    /// How this process shows itself to the registry.
    pub registration: RegistrationConfig,
    /// Of each service that is served.
    pub sections: Vec<Section>,
}

/// A service's section.
pub enum Section {
    Auth(souk_auth::AuthConfig),
    Product(souk_product::ProductConfig),
    Order(souk_order::OrderConfig),
    Cart(souk_cart::CartConfig),
    Payment(Box<souk_payment::PaymentConfig>),
    Notification(souk_notification::NotificationConfig),
    Gateway(Box<souk_gateway::GatewayConfig>),
    Discovery(souk_discovery::DiscoveryConfig),
    ConfigServer(Box<souk_config_server::ConfigServerConfig>),
}

/// The section `serve`: the process itself.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServeConfig {
    /// `serve.host`: the address that this process's services listen on. 0.0.0.0.
    host: IpAddr,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self { host: IpAddr::V4(Ipv4Addr::UNSPECIFIED) }
    }
}

/// The section `telemetry`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetryConfig {
    /// `telemetry.level`: `error`, `warn`, `info`, `debug` or `trace`. `info`.
    level: Level,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

impl Level {
    /// What others than souk itself log is of interest only when something is sought, but for migrations. What
    /// lapin shouts at each try, the bus says once.
    fn filter(self) -> &'static str {
        match self {
            Self::Error => "error,lapin=off",
            Self::Warn => "warn,lapin=off",
            Self::Info => "warn,souk=info,sea_orm_migration=info,lapin=off",
            Self::Debug => "info,souk=debug",
            Self::Trace => "debug,souk=trace",
        }
    }
}

impl Configuration {
    /// Reads all sections that `names` need. Errors: the mistakes of all of them at once.
    pub fn read(names: &[String], settings: &Settings) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let has_peers = names.iter().any(|name| name != "gateway" && !stands_alone(name));
        let serve: Option<ServeConfig> = collect(settings.plain_section("serve"), &mut mistakes);
        let telemetry: Option<TelemetryConfig> = collect(settings.plain_section("telemetry"), &mut mistakes);
        let shop = collect(settings.shop(), &mut mistakes);
        let is_distributed = settings.is_distributed();
        if is_distributed && has_peers && shop.as_ref().is_some_and(|shop| shop.service_secret.expose().is_empty()) {
            mistakes.push(
                "shop.service-secret is not set: set SOUK_SHOP__SERVICE_SECRET to one long random text, the same for \
                 all services of the shop"
                    .to_owned(),
            );
        }
        let bus = collect(settings.bus(), &mut mistakes);
        let has_bus = has_peers || bus.as_ref().is_some_and(|bus| !bus.url.expose().is_empty());
        if let (true, Some(bus)) = (has_bus, &bus) {
            let checked = if is_distributed { bus.must_be_shared() } else { bus.is_local().map(drop) };
            collect(checked, &mut mistakes);
        }
        let services = collect(settings.services(), &mut mistakes);
        let registration = collect(settings.plain_section("registration"), &mut mistakes);
        let mut sections: Vec<Section> = Vec::new();
        for name in names {
            let is_new = sections.iter().all(|section| section.name() != name);
            let section = if is_new { collect(Section::read(name, settings), &mut mistakes) } else { None };
            sections.extend(section);
        }
        match (serve, telemetry, shop, bus, services, registration) {
            (Some(serve), Some(telemetry), Some(shop), Some(bus), Some(services), Some(registration))
                if mistakes.is_empty() =>
            {
                let (host, log_filter, bus) = (serve.host, telemetry.level.filter(), has_bus.then_some(bus));
                Ok(Self { host, log_filter, shop, bus, services, registration, sections })
            }
            _ => Err(ConfigError(mistakes)),
        }
    }
}

/// Everything that is wrong with the configuration of all services, a line each.
pub fn mistakes(settings: &Settings) -> Vec<String> {
    let names = NAMES.map(ToOwned::to_owned);
    Configuration::read(&names, settings).err().map(|ConfigError(found)| found).unwrap_or_default()
}

/// What a process logs before the whole of its configuration is known; a mistake in it is told with the others.
pub fn log_filter(sources: &Sources) -> &'static str {
    sources.section::<TelemetryConfig>("telemetry").unwrap_or_default().level.filter()
}

fn collect<T>(section: Result<T, ConfigError>, mistakes: &mut Vec<String>) -> Option<T> {
    section.map_err(|ConfigError(found)| mistakes.extend(found)).ok()
}

impl Section {
    fn read(name: &str, settings: &Settings) -> Result<Self, ConfigError> {
        Ok(match name {
            "auth" => Self::Auth(settings.section(name, &[])?),
            "product" => Self::Product(settings.section(name, &[])?),
            "order" => Self::Order(settings.section(name, &[])?),
            "cart" => Self::Cart(settings.section(name, &[])?),
            "payment" => Self::Payment(Box::new(settings.payment(&[])?)),
            "notification" => Self::Notification(settings.section(name, &[])?),
            "gateway" => Self::Gateway(settings.plain_section(name)?),
            "discovery" => Self::Discovery(settings.plain_section(name)?),
            "config-server" => Self::ConfigServer(Box::new(settings.plain_section(name)?)),
            other => return Err(ConfigError(vec![format!("there is no service {other}")])),
        })
    }

    /// Whose section it is.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Auth(_) => "auth",
            Self::Product(_) => "product",
            Self::Order(_) => "order",
            Self::Cart(_) => "cart",
            Self::Payment(_) => "payment",
            Self::Notification(_) => "notification",
            Self::Gateway(_) => "gateway",
            Self::Discovery(_) => "discovery",
            Self::ConfigServer(_) => "config-server",
        }
    }

    /// Whether another of its kind can take its place while the process runs: the gateway has two listeners, and the
    /// registry and the config server are what the others go by.
    pub fn is_replaceable(&self) -> bool {
        !matches!(self, Self::Gateway(_) | Self::Discovery(_) | Self::ConfigServer(_))
    }

    /// The gateway's configuration, if it is the gateway's.
    pub fn gateway(&self) -> Option<souk_gateway::GatewayConfig> {
        match self {
            Self::Gateway(config) => Some((**config).clone()),
            _ => None,
        }
    }

    /// The stores it names.
    pub fn store_urls(&self) -> Vec<&str> {
        match self {
            Self::Auth(config) => vec![&config.store_url],
            Self::Product(config) => vec![&config.store_url],
            Self::Order(config) => vec![&config.store_url],
            Self::Cart(config) => vec![&config.store_url],
            Self::Payment(config) if config.provider == ProviderName::Sandbox => {
                vec![&config.store_url, &config.sandbox_ledger_url]
            }
            Self::Payment(config) => vec![&config.store_url],
            Self::Notification(config) => vec![&config.store_url],
            Self::Gateway(_) | Self::Discovery(_) | Self::ConfigServer(_) => Vec::new(),
        }
    }

    /// The key of the folder it writes files to, when its store is on an engine and nobody said where the folder is.
    pub fn unnamed_folder(&self) -> Option<&'static str> {
        let is_on_engine = |store_url| files::file_of(store_url).is_none();
        match self {
            Self::Product(config) if is_on_engine(&config.store_url) && config.pictures_dir.is_empty() => {
                Some("product.pictures-dir")
            }
            Self::Notification(config) if is_on_engine(&config.store_url) => {
                let is_standard = config.mailbox_dir == souk_notification::NotificationConfig::default().mailbox_dir;
                (config.smtp_url.expose().is_empty() && is_standard).then_some("notification.mailbox-dir")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: [(&str, &str); 2] = [("SOUK_BUS__URL", "amqp://mq"), ("SOUK_SHOP__SERVICE_SECRET", "s")];

    fn read(names: &[&str], pairs: &[(&str, &str)]) -> Result<Configuration, ConfigError> {
        let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Configuration::read(&names, &Settings::distributed(Sources::default().with_env(pairs)))
    }

    #[test]
    fn every_mistake_of_every_section_is_told_at_once() {
        let ConfigError(mistakes) = read(
            &["order", "cart"],
            &[
                ("SOUK_SERVE__HOST", "here"),
                ("SOUK_TELEMETRY__LEVEL", "loud"),
                ("SOUK_SERVICES__AUTH", "auth:8081"),
                ("SOUK_ORDER__COLOUR", "red"),
                ("SOUK_CART__STORE_URL", "redis://cache"),
                ("SOUK_PAYMENT__COLOUR", "is another process's"),
            ],
        )
        .err()
        .unwrap();
        let text = mistakes.join("\n");
        assert_eq!(mistakes.len(), 7, "{text}");
        for part in [
            "serve.host",
            "telemetry.level",
            "shop.service-secret",
            "only inside 'souk up'",
            "services.auth",
            "SOUK_ORDER__STORE_URL",
            "order.colour",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_gateway_needs_neither_broker_nor_secret() {
        let gateway = read(&["gateway"], &[]).unwrap();
        assert!(gateway.bus.is_none() && gateway.sections.len() == 1);
        assert_eq!(gateway.host.to_string(), "0.0.0.0");
        assert!(gateway.log_filter.contains("souk=info"));
        let store = [("SOUK_ORDER__STORE_URL", "postgres://h/d")];
        let both = read(&["gateway", "order", "order"], &[&COMMON[..], &store].concat()).unwrap();
        assert!(both.bus.is_some());
        assert_eq!(both.sections.iter().map(Section::name).collect::<Vec<_>>(), ["gateway", "order"]);
    }

    #[test]
    fn what_payment_cannot_be_set_to_is_told_with_the_rest() {
        let all = |pairs: &[(&str, &str)]| {
            read(&["payment"], &[&COMMON, pairs].concat()).err().map(|ConfigError(found)| found).unwrap_or_default()
        };
        let store = ("SOUK_PAYMENT__STORE_URL", "postgres://h/d");
        let found = all(&[store, ("SOUK_PAYMENT__SETTLE_EVERY_MS", "0")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("SANDBOX_LEDGER_URL") && found[1].contains("settle-every-ms"), "{found:?}");
        assert_eq!(all(&[]).len(), 2, "both addresses are missing");
        let found = all(&[store, ("SOUK_PAYMENT__SANDBOX_LEDGER_URL", "sqlite:sandbox.db")]);
        assert!(found.len() == 1 && found[0].contains("shared engine"), "{found:?}");
        assert!(all(&[store, ("SOUK_PAYMENT__SANDBOX_LEDGER_URL", "postgres://h/s")]).is_empty());
        let found = all(&[store, ("SOUK_PAYMENT__PROVIDER", "stripe")]);
        assert!(found.len() == 2 && found.iter().all(|mistake| mistake.contains("stripe")), "{found:?}");
    }

    #[tokio::test]
    async fn an_embedded_shop_needs_nothing() {
        let temporary = tempfile::tempdir().unwrap();
        let settings = Settings::read(&crate::folder::Folder::at(temporary.path()), Sources::default()).await;
        assert!(Section::read("payment", &settings.unwrap()).is_ok());
    }

    #[test]
    fn a_folder_that_replicas_would_not_share_is_named() {
        let folder = |name: &str, pairs: &[(&str, &str)]| {
            read(&[name], &[&COMMON, pairs].concat()).unwrap().sections[0].unnamed_folder()
        };
        let product = ("SOUK_PRODUCT__STORE_URL", "mysql://h/d");
        assert_eq!(folder("product", &[product]), Some("product.pictures-dir"));
        assert_eq!(folder("product", &[product, ("SOUK_PRODUCT__PICTURES_DIR", "/shared")]), None);
        assert_eq!(folder("product", &[("SOUK_PRODUCT__STORE_URL", "sqlite:p.db")]), None);
        let notification = ("SOUK_NOTIFICATION__STORE_URL", "postgres://h/d");
        assert_eq!(folder("notification", &[notification]), Some("notification.mailbox-dir"));
        assert_eq!(folder("notification", &[notification, ("SOUK_NOTIFICATION__MAILBOX_DIR", "/shared")]), None);
        assert_eq!(folder("notification", &[notification, ("SOUK_NOTIFICATION__SMTP_URL", "smtp://mail")]), None);
    }
}
