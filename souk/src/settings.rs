//! The configuration of a shop, and where its stores are by it: an embedded shop's folder with its files,
//! or the config server and the environment of a distributed one. Every command reads the same.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use serde::de::DeserializeOwned;
use souk_kit::{
    Deps, ShopConfig,
    config::{ConfigError, Sources},
    discovery::{Discovery, RegistrationConfig},
    remote_config::RemoteConfig,
};
use souk_payment::PaymentConfig;
use souk_values::{IdGen, Secret, SystemClock};

use crate::{
    CommandError,
    bus::BusConfig,
    cli::ShopArgs,
    embedded, files,
    folder::Folder,
    services::{NAMES, standard_port, with_store},
};

/// Names the registry: a list of URLs with commas between, such as `http://user:password@host:8761/eureka`.
pub const DISCOVERY_URL: &str = "SOUK_DISCOVERY_URL";
/// The sections that every service reads.
const SHARED: [&str; 6] = ["shop", "bus", "telemetry", "serve", "registration", "services"];

/// A shop's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where an embedded shop keeps what is not configured otherwise.
    folder: Option<Folder>,
    /// What files and environment override.
    defaults: Sources,
    sources: Sources,
}

impl Settings {
    /// Those of an embedded shop: what its config server makes of the binary's own configuration and of the folder's
    /// `config`, then the `SOUK_*` variables. `defaults` are what all of these override.
    pub async fn read(folder: &Folder, defaults: Sources) -> Result<Self, CommandError> {
        let filed = embedded::configuration(folder, &[]).await?;
        let sources = defaults.clone().then(&filed).with_env(std::env::vars());
        Ok(Self { folder: Some(folder.clone()), defaults, sources })
    }

    /// Those of a distributed shop.
    pub fn distributed(sources: Sources) -> Self {
        Self { folder: None, defaults: Sources::default(), sources }
    }

    /// Those of a process that serves `names`: what the config server of `SOUK_CONFIG_URL` says, if there is one,
    /// then the environment. Waits for a config server that is not there yet.
    pub async fn of_process(names: &[&str]) -> Result<Self, CommandError> {
        let Some(remote) = RemoteConfig::from_env().map_err(CommandError::failed)? else {
            return Ok(Self::distributed(Sources::from_env()));
        };
        if names.contains(&"config-server") {
            if names.len() == 1 {
                return Ok(Self::distributed(Sources::from_env()));
            }
            return Err(CommandError::failed(
                "the config server cannot be configured by itself: serve it in a process of its own, or unset \
                 SOUK_CONFIG_URL",
            ));
        }
        let ids = IdGen::new(Arc::new(SystemClock));
        let fetched = remote.fetch_patiently(names, &ids).await.map_err(CommandError::failed)?;
        tracing::info!(version = fetched.version, "configured by the config server");
        Ok(Self::distributed(fetched.sources.then(&Sources::from_env())))
    }

    /// The same read anew, for the services `names`. Errors: it cannot be; these are still right to go on with.
    pub async fn again(&self, names: &[&str]) -> Result<Self, CommandError> {
        if let Some(folder) = &self.folder {
            return Self::read(folder, self.defaults.clone()).await;
        }
        let Some(remote) = RemoteConfig::from_env().map_err(CommandError::failed)? else { return Ok(self.clone()) };
        if names == ["config-server"] {
            return Ok(self.clone());
        }
        let fetched = remote.fetch(names).await.map_err(CommandError::failed)?;
        Ok(Self::distributed(fetched.sources.then(&Sources::from_env())))
    }

    /// Those of the shop that a command is about. Fails with a sentence when there is no such folder.
    pub async fn of(shop: &ShopArgs) -> Result<Self, CommandError> {
        if shop.distributed {
            let environment = Self::distributed(Sources::from_env());
            return environment.again(&NAMES).await;
        }
        let folder = Folder::at(&shop.data);
        folder.must_exist()?;
        Self::read(&folder, Sources::default()).await
    }

    /// The keys that `newer` changes, of the sections that `names` and every service read.
    pub fn changed_keys(&self, newer: &Self, names: &[&str]) -> Vec<String> {
        let is_read = |key: &String| {
            let section = key.split('.').next().unwrap_or_default();
            SHARED.contains(&section) || names.contains(&section)
        };
        self.sources.changed_keys(&newer.sources).into_iter().filter(is_read).collect()
    }

    /// The client of the registry at `SOUK_DISCOVERY_URL`, if there is one. It fills the directory of `deps`.
    pub fn discovery(&self, config: &RegistrationConfig, deps: &Deps) -> Result<Option<Discovery>, CommandError> {
        let Ok(urls) = std::env::var(DISCOVERY_URL) else { return Ok(None) };
        let fixed = self.configured_services().map_err(CommandError::failed)?.into_keys().collect();
        Self::discovery_at(&Secret::new(urls), config, deps, fixed).map(Some)
    }

    /// The client of the registry at `urls`. The services `fixed` stay where the directory has them.
    pub fn discovery_at(
        urls: &Secret,
        config: &RegistrationConfig,
        deps: &Deps,
        fixed: HashSet<String>,
    ) -> Result<Discovery, CommandError> {
        let directory = deps.peers.directory().clone();
        let (clock, ids) = (Arc::clone(&deps.clock), deps.ids.clone());
        Discovery::new(urls, config.clone(), directory, fixed, clock, ids).map_err(CommandError::failed)
    }

    /// The embedded shop's folder.
    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// Whether this is the environment of a distributed shop.
    pub fn is_distributed(&self) -> bool {
        self.folder.is_none()
    }

    /// Whether payments go to the sandbox provider.
    pub fn uses_sandbox(&self) -> bool {
        self.sources.text("payment", "provider").is_none_or(|provider| provider == "sandbox")
    }

    /// The folder of mails, unless they are sent.
    pub fn mailbox(&self) -> Option<PathBuf> {
        let text = |key| self.sources.text("notification", key).filter(|text| !text.is_empty());
        let own = || self.folder.as_ref().map_or_else(|| PathBuf::from("mailbox"), Folder::mailbox);
        text("smtp_url").is_none().then(|| text("mailbox_dir").map_or_else(own, PathBuf::from))
    }

    /// Takes a distributed shop's SQLite store for this process; the folder's lock does it for an embedded one.
    pub fn hold_file(&self, store_url: &str) -> Result<Option<std::fs::File>, CommandError> {
        let path = if self.folder.is_some() { None } else { files::file_of(store_url) };
        path.map(|path| files::take(&path)).transpose()
    }

    /// The section `shop`.
    pub fn shop(&self) -> Result<ShopConfig, ConfigError> {
        self.sources.section("shop")
    }

    /// The section `bus`.
    pub fn bus(&self) -> Result<BusConfig, ConfigError> {
        self.sources.section("bus")
    }

    /// A service's section. `defaults` and a store in the folder, if there is one, hold unless configured
    /// otherwise; without a folder a service must be told where its store is.
    pub fn section<T: DeserializeOwned>(&self, name: &str, defaults: &[(&str, String)]) -> Result<T, ConfigError> {
        let store = self.store_url(name).map(|url| Sources::default().with(name, "store_url", url));
        let own = store.clone().unwrap_or_default();
        let with_defaults = defaults.iter().fold(own, |sources, (key, value)| sources.with(name, key, value.clone()));
        let section = with_defaults.then(&self.sources).section(name);
        match (store, section) {
            (Err(mut missing), Err(ConfigError(others))) => {
                missing.0.extend(others);
                Err(missing)
            }
            (Err(missing), Ok(_)) => Err(missing),
            (Ok(_), section) => section,
        }
    }

    /// Payment's section, with everything that it cannot be set to. Without a folder it must be told where the
    /// sandbox's ledger is too, if it uses it.
    pub fn payment(&self, defaults: &[(&str, String)]) -> Result<PaymentConfig, ConfigError> {
        let ledger = self.uses_sandbox().then(|| self.sandbox_ledger_url()).transpose();
        let own = ledger.as_ref().ok().and_then(Option::as_ref).map(|url| ("sandbox_ledger_url", url.clone()));
        let defaults: Vec<_> = defaults.iter().cloned().chain(own).collect();
        let mut mistakes = ledger.err().map(|ConfigError(missing)| missing).unwrap_or_default();
        let section = self.section("payment", &defaults).and_then(|mut config: PaymentConfig| {
            if !mistakes.is_empty() {
                // That it is missing is said; its default would be a second mistake.
                config.sandbox_ledger_url.clone_from(&config.store_url);
            }
            config.check().map(|()| config)
        });
        match section {
            Ok(config) if mistakes.is_empty() => Ok(config),
            Ok(_) => Err(ConfigError(mistakes)),
            Err(ConfigError(others)) => {
                mistakes.extend(others);
                Err(ConfigError(mistakes))
            }
        }
    }

    /// A section that is of no service with a store, such as the gateway's.
    pub fn plain_section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        self.sources.section(name)
    }

    /// Where services are: at their standard ports unless configured; with a registry, where that says.
    pub fn services(&self) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        if self.is_distributed() && std::env::var_os(DISCOVERY_URL).is_some() {
            return self.configured_services();
        }
        let standard = with_store().map(|name| {
            let base = format!("http://127.0.0.1:{}", standard_port(name));
            (name.to_owned(), vec![base])
        });
        let mut services: BTreeMap<String, Vec<String>> = standard.collect();
        services.extend(self.configured_services()?);
        Ok(services)
    }

    /// Where services are as far as that is configured: `services.order: http://a:8083,http://b:8083`.
    pub fn configured_services(&self) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        let mut mistakes = Vec::new();
        let mut services = BTreeMap::new();
        for (name, urls) in self.sources.texts("services") {
            let bases: Vec<String> = urls.split(',').map(|url| url.trim().trim_end_matches('/').to_owned()).collect();
            // What is wrong is not shown: it may hold a password.
            for (nth, _) in (1_u32..).zip(&bases).filter(|(_, base)| !is_base(base)) {
                mistakes.push(format!("services.{name}: its address {nth} is not like http://host:port"));
            }
            services.insert(name, bases);
        }
        if mistakes.is_empty() { Ok(services) } else { Err(ConfigError(mistakes)) }
    }

    /// Where the store of `name` is. Errors: it is not configured, and there is no folder to look in.
    pub fn store_url(&self, name: &str) -> Result<String, ConfigError> {
        self.url(name, "store_url", name)
    }

    /// Where the sandbox provider's ledger is.
    pub fn sandbox_ledger_url(&self) -> Result<String, ConfigError> {
        self.url("payment", "sandbox_ledger_url", "sandbox")
    }

    fn url(&self, section: &str, key: &str, file: &str) -> Result<String, ConfigError> {
        if let Some(url) = self.sources.text(section, key).filter(|url| !url.is_empty()) {
            return Ok(url);
        }
        if let Some(folder) = &self.folder {
            return Ok(folder.store_url(file));
        }
        let variable = format!("SOUK_{}__{}", section.to_uppercase(), key.to_uppercase());
        let engine = if section == "cart" { "redis://host:6379" } else { "postgres://user:password@host/database" };
        Err(ConfigError(vec![format!(
            "{section}.{} is not set, and only 'souk up' has a folder of its own: set {variable}, such as {engine}",
            key.replace('_', "-")
        )]))
    }
}

/// `http://host:port`, without a path: what follows belongs to the caller.
fn is_base(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("http://") else { return false };
    authority.parse::<http::uri::Authority>().is_ok_and(|authority| !authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distributed(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Settings::distributed(Sources::default().with_env(pairs))
    }

    #[test]
    fn peers_are_at_their_standard_ports_unless_configured() {
        let settings =
            distributed(&[("SOUK_SERVICES__ORDER", "http://a:1, http://b:2/"), ("SOUK_SERVICES__X", "http://c")]);
        let services = settings.services().unwrap();
        assert_eq!(services["order"], ["http://a:1", "http://b:2"]);
        assert_eq!(services["cart"], ["http://127.0.0.1:8084"]);
        assert_eq!(services["x"], ["http://c"]);
        let wrong = distributed(&[("SOUK_SERVICES__ORDER", "a:1,https://b"), ("SOUK_SERVICES__CART", "http://c/path")]);
        assert_eq!(wrong.services().unwrap_err().0.len(), 3);
        let secret = distributed(&[("SOUK_SERVICES__ORDER", "http://a:1,http://user:ge,heim@b:2")]);
        let shown = secret.services().unwrap_err().0.join("\n");
        assert!(shown.contains("services.order") && !shown.contains("heim") && !shown.contains("user"), "{shown}");
    }

    #[test]
    fn a_distributed_store_must_be_named() {
        let ConfigError(mistakes) =
            distributed(&[("SOUK_ORDER__COLOUR", "red")]).section::<souk_order::OrderConfig>("order", &[]).unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(mistakes[0].contains("SOUK_ORDER__STORE_URL"), "{mistakes:?}");
        let settings = distributed(&[("SOUK_ORDER__STORE_URL", "postgres://h/d")]);
        assert_eq!(settings.section::<souk_order::OrderConfig>("order", &[]).unwrap().store_url, "postgres://h/d");
    }
}
