//! The whole configuration of a process of services, read with all its mistakes.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use souk_kit::{
    ShopConfig,
    config::{ConfigError, Sources},
    discovery::RegistrationConfig,
};

use crate::{
    process_config::{BusConfig, ServeConfig, TelemetryConfig, TraceConfig},
    services::{self, Role, Section, ServiceRow},
    settings::Settings,
    sqlite_file,
};

pub struct Configuration {
    pub host: IpAddr,
    pub log_filter: &'static str,
    /// `None` when no traces are exported.
    pub traces: Option<TraceConfig>,
    pub shop: ShopConfig,
    /// `None` when no bus is configured and no service of the process needs one.
    pub bus: Option<BusConfig>,
    /// Base URLs of each service, as far as they are known without the registry.
    pub services: BTreeMap<String, Vec<String>>,
    pub registration: RegistrationConfig,
    /// One for each service of the process.
    pub sections: Vec<Section>,
}

impl Configuration {
    /// Reads all sections that a process of `services` needs.
    ///
    /// Errors: the mistakes of all sections together.
    pub fn read(services: &[&'static ServiceRow], settings: &Settings) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let has_peers = services.iter().any(|service| service.role == Role::Shop);
        let serve: Option<ServeConfig> = collect(settings.shared_section("serve"), &mut mistakes);
        let telemetry: Option<TelemetryConfig> = collect(settings.shared_section("telemetry"), &mut mistakes);
        let traces = telemetry.as_ref().and_then(|telemetry| collect(telemetry.traces(), &mut mistakes)).flatten();
        let shop: Option<ShopConfig> = collect(settings.shared_section("shop"), &mut mistakes);
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
        let addresses = collect(settings.services(), &mut mistakes);
        let registration = collect(settings.shared_section("registration"), &mut mistakes);
        let mut sections: Vec<Section> = Vec::new();
        for service in services {
            // The command line may name a service twice.
            let is_new = sections.iter().all(|section| section.name() != service.name);
            let section = if is_new { collect(settings.section(service), &mut mistakes) } else { None };
            sections.extend(section);
        }
        match (serve, telemetry, shop, bus, addresses, registration) {
            (Some(serve), Some(telemetry), Some(shop), Some(bus), Some(services), Some(registration))
                if mistakes.is_empty() =>
            {
                Ok(Self {
                    host: serve.host,
                    log_filter: telemetry.log_filter(),
                    traces,
                    shop,
                    bus: has_bus.then_some(bus),
                    services,
                    registration,
                    sections,
                })
            }
            _ => Err(ConfigError(mistakes)),
        }
    }

    /// Returns the stores of all sections that are SQLite files.
    pub fn store_files(&self) -> Vec<PathBuf> {
        self.sections.iter().flat_map(Section::store_urls).filter_map(sqlite_file::path_of).collect()
    }

    /// Returns the configuration of one service, by its type.
    pub fn of<C: 'static>(&self) -> Option<&C> {
        self.sections.iter().find_map(Section::config)
    }
}

/// Returns every mistake in the configuration of all services, one line each.
pub fn mistakes(settings: &Settings) -> Vec<String> {
    let services: Vec<_> = services::all().iter().collect();
    Configuration::read(&services, settings).err().map(|ConfigError(found)| found).unwrap_or_default()
}

/// Returns the log filter of a process that has not read its whole configuration yet. A mistake in the section is
/// reported together with the others.
pub fn early_log_filter(sources: &Sources) -> &'static str {
    sources.section::<TelemetryConfig>("telemetry").unwrap_or_default().log_filter()
}

fn collect<T>(section: Result<T, ConfigError>, mistakes: &mut Vec<String>) -> Option<T> {
    section.map_err(|ConfigError(found)| mistakes.extend(found)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMON: [(&str, &str); 2] = [("SOUK_BUS__URL", "amqp://mq"), ("SOUK_SHOP__SERVICE_SECRET", "s")];

    fn read(names: &[&str], pairs: &[(&str, &str)]) -> Result<Configuration, ConfigError> {
        let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let row = |name: &&str| services::all().iter().find(|service| service.name == *name).unwrap();
        let services: Vec<_> = names.iter().map(row).collect();
        Configuration::read(&services, &Settings::distributed(Sources::default().with_env(pairs)))
    }

    #[test]
    fn every_mistake_of_every_section_is_reported_together() {
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
    fn invalid_settings_of_payment_are_reported_with_the_rest() {
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
        assert!(found.len() == 3 && found.iter().all(|mistake| mistake.contains("stripe")), "{found:?}");
    }

    #[tokio::test]
    async fn an_embedded_shop_needs_no_configuration() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = crate::folder::Folder::at(temporary.path());
        let settings = Settings::embedded(&folder, Sources::default(), &[]).await.unwrap();
        let payment = services::all().iter().find(|service| service.name == "payment").unwrap();
        assert!(settings.section(payment).is_ok());
    }
}
