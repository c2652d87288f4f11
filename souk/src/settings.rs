//! The configuration of a shop: of an embedded one, its folder and files; of a distributed one, the config server and
//! the environment. Every command reads it here.

use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use serde::de::DeserializeOwned;
use souk_kit::{
    Deps,
    config::{ConfigError, Sources},
    discovery::{Discovery, RegistrationConfig},
    environment,
    remote_config::RemoteConfig,
};
use souk_values::{IdGen, Secret, SystemClock};

use crate::{
    cli::ShopArgs,
    command_error::CommandError,
    embedded,
    folder::{self, Folder},
    process_config::BusConfig,
    services::{self, Section, ServiceRow, with_store},
    sqlite_file,
};

/// Environment variable with the URLs of the registry, separated by commas: `http://user:password@host:8761/eureka`.
pub const DISCOVERY_URL: &str = "SOUK_DISCOVERY_URL";
/// Sections that every service reads.
const SHARED_SECTIONS: [&str; 6] = ["shop", "bus", "telemetry", "serve", "registration", "services"];

#[derive(Debug, Clone)]
pub struct Settings {
    /// `None` for a distributed shop.
    folder: Option<Folder>,
    /// Values of `souk up` itself, which files and the environment override.
    defaults: Sources,
    sources: Sources,
}

impl Settings {
    /// Reads the configuration of an embedded shop. In rising order: the folder's stores and mails, `defaults`, the
    /// files inside the binary, those in the folder's `config` under `profiles` (empty: those of the environment), and
    /// the `SOUK_*` variables.
    pub async fn embedded(folder: &Folder, defaults: Sources, profiles: &[String]) -> Result<Self, CommandError> {
        let files = embedded::configuration(folder, profiles).await?;
        let sources = set_by_folder(folder).then(&defaults).then(&files).then(&Sources::from_env());
        Ok(Self { folder: Some(folder.clone()), defaults, sources })
    }

    pub fn distributed(sources: Sources) -> Self {
        Self { folder: None, defaults: Sources::default(), sources }
    }

    /// Reads the configuration of a process that serves `names`: from the config server at `SOUK_CONFIG_URL`, if that
    /// is set, then the environment. Waits for a config server that does not answer yet.
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
        let fetched = remote.fetch_with_retries(names, &ids).await.map_err(CommandError::failed)?;
        tracing::info!(version = fetched.version, "configured by the config server");
        Ok(Self::distributed(fetched.sources.then(&Sources::from_env())))
    }

    /// Reads the configuration again, for the services `names`.
    ///
    /// Errors: it cannot be read; the current settings remain valid.
    pub async fn reload(&self, names: &[&str]) -> Result<Self, CommandError> {
        if let Some(folder) = &self.folder {
            return Self::embedded(folder, self.defaults.clone(), &[]).await;
        }
        let Some(remote) = RemoteConfig::from_env().map_err(CommandError::failed)? else { return Ok(self.clone()) };
        // The config server does not configure itself.
        if names == ["config-server"] {
            return Ok(self.clone());
        }
        let fetched = remote.fetch(names).await.map_err(CommandError::failed)?;
        Ok(Self::distributed(fetched.sources.then(&Sources::from_env())))
    }

    /// Reads the configuration of the shop that a command names.
    ///
    /// Errors: there is no shop in the folder; the config server does not answer.
    pub async fn of(shop: &ShopArgs) -> Result<Self, CommandError> {
        if shop.distributed {
            let names: Vec<&str> = services::all().iter().map(|service| service.name).collect();
            return Self::distributed(Sources::from_env()).reload(&names).await;
        }
        let folder = Folder::at(&shop.data);
        folder.must_exist()?;
        Self::embedded(&folder, Sources::default(), &[]).await
    }

    /// The same for a command that runs as long as the shop: waits for a config server that does not answer yet.
    pub async fn of_lasting(shop: &ShopArgs) -> Result<Self, CommandError> {
        if !shop.distributed {
            return Self::of(shop).await;
        }
        let names = services::all().iter().map(|service| service.name).filter(|name| *name != "config-server");
        Self::of_process(&names.collect::<Vec<&str>>()).await
    }

    /// Returns the keys that `newer` changes, of the sections that are shared or belong to `names`.
    pub fn changed_keys(&self, newer: &Self, names: &[&str]) -> Vec<String> {
        let is_read = |key: &String| {
            let section = key.split('.').next().unwrap_or_default();
            SHARED_SECTIONS.contains(&section) || names.contains(&section)
        };
        self.sources.changed_keys(&newer.sources).into_iter().filter(is_read).collect()
    }

    /// Returns the client of the registry at `SOUK_DISCOVERY_URL`, if that is set. It updates the directory of `deps`,
    /// except for services whose addresses are configured.
    pub fn discovery(&self, config: &RegistrationConfig, deps: &Deps) -> Result<Option<Discovery>, CommandError> {
        let Some(urls) = environment::variable(DISCOVERY_URL) else { return Ok(None) };
        let fixed = self.configured_services().map_err(CommandError::failed)?.into_keys().collect();
        Self::discovery_at(&Secret::new(urls), config, deps, fixed).map(Some)
    }

    /// Returns the client of the registry at `urls`. The addresses of the services `fixed` never change.
    pub fn discovery_at(
        urls: &Secret,
        config: &RegistrationConfig,
        deps: &Deps,
        fixed: HashSet<String>,
    ) -> Result<Discovery, CommandError> {
        let directory = deps.peers.directory().clone();
        Discovery::new(urls, config.clone(), directory, fixed, Arc::clone(&deps.clock), deps.ids.clone())
            .map_err(CommandError::failed)
    }

    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    pub fn is_distributed(&self) -> bool {
        self.folder.is_none()
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// Returns the folder that mails are written to; `None` when an SMTP server sends them.
    pub fn mailbox(&self) -> Option<PathBuf> {
        let text = |key| self.sources.text("notification", key).filter(|text| !text.is_empty());
        let default = || PathBuf::from("mailbox");
        text("smtp_url").is_none().then(|| text("mailbox_dir").map_or_else(default, PathBuf::from))
    }

    /// Returns the name and the URL of every store of the shop, the bus's file included if it has one.
    pub fn all_stores(&self) -> Result<Vec<(&'static str, String)>, ConfigError> {
        let mut stores = Vec::new();
        for service in with_store() {
            for store in service.stores(&self.sources) {
                stores.push((store.file, self.url(service.name, store.key)?));
            }
        }
        if let (Some(folder), true) = (&self.folder, self.bus()?.is_local()?) {
            stores.push(("bus", folder.store_url("bus")));
        }
        Ok(stores)
    }

    /// Locks a distributed shop's SQLite store for this process. An embedded shop has the lock of its folder.
    pub fn lock_file(&self, store_url: &str) -> Result<Option<std::fs::File>, CommandError> {
        let path = if self.folder.is_some() { None } else { sqlite_file::path_of(store_url) };
        path.map(|path| sqlite_file::lock(&path)).transpose()
    }

    pub fn bus(&self) -> Result<BusConfig, ConfigError> {
        self.sources.section("bus")
    }

    /// Reads a section that belongs to no service.
    pub fn shared_section<T: DeserializeOwned>(&self, name: &str) -> Result<T, ConfigError> {
        self.sources.section(name)
    }

    /// Reads the section of `service`.
    ///
    /// Errors: every mistake in it, a store that is not named included.
    pub fn section(&self, service: &'static ServiceRow) -> Result<Section, ConfigError> {
        match self.section_and_mistakes(service) {
            (Some(section), mistakes) if mistakes.is_empty() => Ok(section),
            (_, mistakes) => Err(ConfigError(mistakes)),
        }
    }

    /// Reads the section of `service` as far as it is correct, and returns every mistake in it.
    pub fn section_and_mistakes(&self, service: &'static ServiceRow) -> (Option<Section>, Vec<String>) {
        let mut mistakes = Vec::new();
        let mut missing = Vec::new();
        for store in service.stores(&self.sources) {
            if let Err(ConfigError(found)) = self.url(service.name, store.key) {
                mistakes.extend(found);
                missing.push(dotted(service.name, store.key));
            }
        }
        let (section, found) = (service.read)(service, &self.sources);
        if let (Some(section), true) = (&section, found.is_empty())
            && let Err(ConfigError(contradictions)) = (service.check)(section)
        {
            // The default of a store that is not named may contradict the others: that would be a second mistake.
            let is_known = |mistake: &String| missing.iter().any(|key| mistake.starts_with(key));
            mistakes.extend(contradictions.into_iter().filter(|mistake| !is_known(mistake)));
        }
        mistakes.extend(found);
        (section, mistakes)
    }

    /// Returns the base URLs of each service: the configured ones, otherwise its standard port on this machine. With a
    /// registry only the configured ones.
    pub fn services(&self) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        if self.is_distributed() && environment::variable(DISCOVERY_URL).is_some() {
            return self.configured_services();
        }
        let standard = with_store().map(|service| {
            let base = format!("http://127.0.0.1:{}", service.port);
            (service.name.to_owned(), vec![base])
        });
        let mut services: BTreeMap<String, Vec<String>> = standard.collect();
        services.extend(self.configured_services()?);
        Ok(services)
    }

    /// Returns the base URLs of the services that the section `services` names: `order: http://a:8083,http://b:8083`.
    pub fn configured_services(&self) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
        let mut mistakes = Vec::new();
        let mut services = BTreeMap::new();
        for (name, urls) in self.sources.texts("services") {
            let bases: Vec<String> = urls.split(',').map(|url| url.trim().trim_end_matches('/').to_owned()).collect();
            // A malformed address is counted, not quoted: it may hold a password.
            for (nth, _) in (1_u32..).zip(&bases).filter(|(_, base)| !is_base_url(base)) {
                mistakes.push(format!("services.{name}: its address {nth} is not like http://host:port"));
            }
            services.insert(name, bases);
        }
        if mistakes.is_empty() { Ok(services) } else { Err(ConfigError(mistakes)) }
    }

    /// Returns the URL of the own store of the service `name`.
    ///
    /// Errors: a distributed shop does not name it.
    pub fn store_url(&self, name: &str) -> Result<String, ConfigError> {
        self.url(name, "store_url")
    }

    /// Returns the URL of the sandbox provider's ledger; `None` without a sandbox.
    pub fn sandbox_ledger_url(&self) -> Result<Option<String>, ConfigError> {
        let is_used = services::uses_sandbox(&self.sources);
        is_used.then(|| self.url("payment", "sandbox_ledger_url")).transpose()
    }

    fn url(&self, section: &str, key: &str) -> Result<String, ConfigError> {
        if let Some(url) = self.sources.text(section, key).filter(|url| !url.is_empty()) {
            return Ok(url);
        }
        let variable = format!("SOUK_{}__{}", section.to_uppercase(), key.to_uppercase());
        let engine = if section == "cart" { "redis://host:6379" } else { "postgres://user:password@host/database" };
        Err(ConfigError(vec![format!(
            "{} is not set, and only 'souk up' has a folder of its own: set {variable}, such as {engine}",
            dotted(section, key)
        )]))
    }
}

/// Returns the values that the folder of an embedded shop sets: the URLs of its stores, and its mailbox.
fn set_by_folder(folder: &Folder) -> Sources {
    services::all().iter().fold(Sources::default(), |sources, service| {
        let values = service.folder_values(folder).into_iter();
        values.fold(sources, |sources, (key, value)| sources.with_from(folder::ORIGIN, service.name, key, value))
    })
}

fn dotted(section: &str, key: &str) -> String {
    format!("{section}.{}", key.replace('_', "-"))
}

/// Returns true for `http://host:port` without user and path.
fn is_base_url(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("http://") else { return false };
    authority.parse::<http::uri::Authority>().is_ok_and(|authority| !authority.as_str().contains('@'))
}

#[cfg(test)]
mod tests {
    use souk_order::OrderConfig;

    use super::*;

    fn distributed(pairs: &[(&str, &str)]) -> Settings {
        let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Settings::distributed(Sources::default().with_env(pairs))
    }

    fn order() -> &'static ServiceRow {
        with_store().find(|service| service.name == "order").unwrap()
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
        let ConfigError(mistakes) = distributed(&[("SOUK_ORDER__COLOUR", "red")]).section(order()).err().unwrap();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        assert!(mistakes[0].contains("SOUK_ORDER__STORE_URL"), "{mistakes:?}");
        let settings = distributed(&[("SOUK_ORDER__STORE_URL", "postgres://h/d")]);
        let section = settings.section(order()).unwrap();
        assert_eq!(section.config::<OrderConfig>().unwrap().store_url, "postgres://h/d");
    }
}
