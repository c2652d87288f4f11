//! The config server of an embedded shop: the configuration inside the binary (`config-repo/`), and over it the
//! folder's own files. The shop is configured by what it says, and so is every command about the shop.

use std::sync::Arc;

use rust_embed::RustEmbed;
use souk_config_server::{
    ConfigServer, ConfigServerConfig, Extras,
    backend::{Backend, EmbeddedBackend, LayeredBackend, NativeBackend},
};
use souk_kit::{
    Deps, Service, StartError,
    config::{ConfigError, Sources},
};
use souk_values::{Clock, IdGen, Secret, SystemClock};

use crate::{CommandError, folder::Folder, serve::telling, services::NAMES};

/// Names the profiles, with commas between: those of the shop's own services.
const PROFILES: &str = "SOUK_CONFIG_PROFILES";

/// The repository of configuration that the binary brings.
#[derive(RustEmbed)]
#[folder = "../config-repo"]
#[include = "*.yml"]
struct Repository;

/// What the shop in `folder` is configured with by files, under the profiles `named`, or if there are none, its own.
/// Errors: one of the files cannot be read or decrypted.
pub async fn configuration(folder: &Folder, named: &[String]) -> Result<Sources, CommandError> {
    let config = config(folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let server = ConfigServer::open(&config, &clock, &IdGen::new(Arc::clone(&clock)), Some(backend(folder)))
        .map_err(|mistakes| CommandError::failed(ConfigError(mistakes)))?;
    let profiles = if named.is_empty() { profiles() } else { named.to_vec() };
    let environment = server.environment(&NAMES.map(ToOwned::to_owned), &profiles, None).await;
    let environment = environment.map_err(CommandError::failed)?;
    // The strongest stands first there, and last here.
    Ok(environment.property_sources.into_iter().rev().fold(Sources::default(), |sources, source| {
        let flat = source.source.into_iter().map(|property| (property.key, property.value.to_json()));
        sources.with_properties(&source.name, flat)
    }))
}

/// The config server as a service of the shop.
pub async fn config_server(folder: &Folder, deps: &Deps) -> Result<Service, StartError> {
    let other = |error: CommandError| StartError::Other(error.to_string());
    let extras = Extras { is_loopback: true, default_backend: Some(backend(folder)), refresh: Some(telling(deps)) };
    souk_config_server::build(config(folder).map_err(other)?, deps, extras).await
}

/// By the environment alone, since the config server does not configure itself; the folder's key unless another is set.
fn config(folder: &Folder) -> Result<ConfigServerConfig, CommandError> {
    let mut config: ConfigServerConfig = Sources::from_env().section("config-server").map_err(CommandError::failed)?;
    if config.encrypt.key.expose().is_empty() && config.encrypt.key_file.is_none() {
        config.encrypt.key = folder.config_key()?.unwrap_or_else(Secret::default);
    }
    Ok(config)
}

/// The profiles that the shop's own services run under: `default`, unless some are named.
fn profiles() -> Vec<String> {
    let named = std::env::var(PROFILES).unwrap_or_default();
    let named: Vec<String> =
        named.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
    if named.is_empty() { vec!["default".to_owned()] } else { named }
}

fn backend(folder: &Folder) -> Arc<dyn Backend> {
    let files = Repository::iter().filter_map(|path| Repository::get(&path).map(|file| (path, file.data.into_owned())));
    let own = NativeBackend::of_folder(folder.config());
    let within: Arc<dyn Backend> = Arc::new(EmbeddedBackend::new("souk", files));
    Arc::new(LayeredBackend::new([within, Arc::new(own)]))
}
