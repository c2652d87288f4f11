//! The config server of an embedded shop. It serves the configuration inside the binary (`config-repo/`), overridden
//! by the folder's own files; the shop and every command about it are configured from the same two.

use std::sync::Arc;

use rust_embed::RustEmbed;
use souk_config_server::{
    ConfigReader, ConfigServerConfig,
    backend::{Backend, EmbeddedBackend, LayeredBackend, NativeBackend},
};
use souk_kit::{
    config::{ConfigError, Sources},
    environment,
};
use souk_values::{Clock, IdGen, Secret, SystemClock};

use crate::{command_error::CommandError, folder::Folder, services};

/// Environment variable with the profiles of the shop's services, separated by commas.
const PROFILES: &str = "SOUK_CONFIG_PROFILES";

/// The repository's `config-repo/`.
#[derive(RustEmbed)]
#[folder = "../config-repo"]
#[include = "*.yml"]
struct Repository;

/// Reads the files that configure the shop in `folder`, under `profiles` or, if that is empty, the environment's.
///
/// Errors: a file cannot be read or decrypted.
pub async fn configuration(folder: &Folder, profiles: &[String]) -> Result<Sources, CommandError> {
    let config = config(folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let server = ConfigReader::open(&config, &clock, &IdGen::new(Arc::clone(&clock)), Some(backend(folder)))
        .map_err(|mistakes| CommandError::failed(ConfigError(mistakes)))?;
    let profiles = if profiles.is_empty() { profiles_of_environment() } else { profiles.to_vec() };
    let names: Vec<String> = services::all().iter().map(|service| service.name.to_owned()).collect();
    let environment = server.environment(&names, &profiles, None).await.map_err(CommandError::failed)?;
    // The protocol lists the strongest source first; here the last one wins.
    Ok(environment.property_sources.into_iter().rev().fold(Sources::default(), |sources, source| {
        let flat = source.source.into_iter().map(|property| (property.key, property.value.to_json()));
        sources.with_properties(&source.name, flat)
    }))
}

/// Reads the section `config-server`: from the environment alone, since the config server does not configure itself,
/// and with the folder's key unless another is set.
pub fn config(folder: &Folder) -> Result<ConfigServerConfig, CommandError> {
    let mut config: ConfigServerConfig = Sources::from_env().section("config-server").map_err(CommandError::failed)?;
    if config.encrypt.key.expose().is_empty() && config.encrypt.key_file.is_none() {
        config.encrypt.key = folder.config_key()?.unwrap_or_else(Secret::default);
    }
    Ok(config)
}

fn profiles_of_environment() -> Vec<String> {
    let names = environment::variable(PROFILES).unwrap_or_default();
    let names: Vec<String> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
    if names.is_empty() { vec!["default".to_owned()] } else { names }
}

/// Returns the backend of a shop in `folder`: the binary's files, and the folder's over them.
pub fn backend(folder: &Folder) -> Arc<dyn Backend> {
    let files = Repository::iter().filter_map(|path| Repository::get(&path).map(|file| (path, file.data.into_owned())));
    let in_binary: Arc<dyn Backend> = Arc::new(EmbeddedBackend::new("souk", files));
    let in_folder = NativeBackend::from_folder(folder.config());
    Arc::new(LayeredBackend::new([in_binary, Arc::new(in_folder)]))
}
