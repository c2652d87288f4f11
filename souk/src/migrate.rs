//! `souk migrate`: migrates stores to the current schema, as each service also does when it starts.

use souk_kit::config::ConfigError;

use crate::{
    address, cli::MigrateArgs, command_error::CommandError, folder::Folder, services::with_store, settings::Settings,
};

pub async fn run(args: MigrateArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    // A running embedded shop has its files to itself.
    let _lock = settings.folder().map(Folder::lock).transpose()?;
    let is_wanted = |name: &str| args.all || args.services.iter().any(|service| service.name == name);
    let mut stores = Vec::new();
    let mut missing = Vec::new();
    for service in with_store().filter(|service| is_wanted(service.name)) {
        match settings.store_url(service.name) {
            Ok(url) => stores.push((service, url)),
            Err(ConfigError(mistakes)) => missing.extend(mistakes),
        }
    }
    if !missing.is_empty() {
        return Err(CommandError::failed(ConfigError(missing)));
    }
    for (service, url) in stores {
        let name = service.name;
        let _lock = settings.lock_file(&url)?;
        let applied = (service.migrate)(&url).await.map_err(|error| {
            CommandError::failed(format!("the store of {name} ({}): {error}", address::redacted(&url)))
        })?;
        if applied.is_empty() {
            say!("{name:<13} is up to date");
        }
        for migration in applied {
            say!("{name:<13} applied {migration}");
        }
    }
    Ok(())
}
