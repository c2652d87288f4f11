//! The configuration of an embedded shop: its folder's files, then the environment; and where its
//! stores are by them. `souk up` and the operator's commands read the same.

use serde::de::DeserializeOwned;
use souk_kit::{
    ShopConfig,
    config::{ConfigError, Sources},
};

use crate::{CommandError, folder::Folder, shop::SERVICES};

/// A shop's configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    folder: Folder,
    sources: Sources,
}

impl Settings {
    /// Reads the folder's `config/*.yml` and the `SOUK_*` variables. `defaults` are what both override.
    pub fn read(folder: &Folder, defaults: Sources) -> Result<Self, CommandError> {
        let sources = defaults
            .with_files(&folder.config(), &SERVICES.map(|(name, _)| name))
            .map_err(CommandError::failed)?
            .with_env(std::env::vars());
        Ok(Self { folder: folder.clone(), sources })
    }

    /// The section `shop`.
    pub fn shop(&self) -> Result<ShopConfig, ConfigError> {
        self.sources.section("shop")
    }

    /// A service's section. `defaults` and a store in the folder hold unless configured otherwise.
    pub fn section<T: DeserializeOwned>(&self, name: &str, defaults: &[(&str, String)]) -> Result<T, ConfigError> {
        let with_store = Sources::default().with(name, "store_url", self.folder.store_url(name));
        let with_defaults =
            defaults.iter().fold(with_store, |sources, (key, value)| sources.with(name, key, value.clone()));
        with_defaults.then(&self.sources).section(name)
    }

    /// The gateway's section; it has no store.
    pub fn gateway<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.sources.section("gateway")
    }

    /// Addresses of services that are configured rather than started here.
    pub fn services(&self) -> std::collections::BTreeMap<String, String> {
        self.sources.texts("services")
    }

    /// Where the store of `name` is.
    pub fn store_url(&self, name: &str) -> String {
        self.sources.text(name, "store_url").unwrap_or_else(|| self.folder.store_url(name))
    }

    /// Where the sandbox provider's ledger is.
    pub fn sandbox_ledger_url(&self) -> String {
        self.sources.text("payment", "sandbox_ledger_url").unwrap_or_else(|| self.folder.store_url("sandbox"))
    }
}
