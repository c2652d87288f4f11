//! `souk migrate`: brings the tables of stores up to date, as each service does at its start.

use souk_kit::StartError;

use crate::{CommandError, address, cli::MigrateArgs, services::with_store, settings::Settings};

/// Runs `souk migrate`.
pub async fn run(args: MigrateArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    // An embedded shop that runs has its files to itself.
    let _hold = settings.folder().map(crate::folder::Folder::hold).transpose()?;
    let names: Vec<&str> =
        with_store().filter(|name| args.all || args.services.iter().any(|one| one == name)).collect();
    let urls = names.iter().map(|name| settings.store_url(name)).collect::<Vec<_>>();
    let missing: Vec<String> =
        urls.iter().filter_map(|url| url.as_ref().err()).flat_map(|error| error.0.clone()).collect();
    if !missing.is_empty() {
        return Err(CommandError::failed(souk_kit::config::ConfigError(missing)));
    }
    for (name, url) in names.iter().zip(urls.into_iter().flatten()) {
        let _file = settings.hold_file(&url)?;
        let applied = migrate(name, &url).await.map_err(|error| {
            CommandError::failed(format!("the store of {name} ({}): {error}", address::shown(&url)))
        })?;
        if applied.is_empty() {
            println!("{name:<13} is up to date");
        }
        for migration in applied {
            println!("{name:<13} applied {migration}");
        }
    }
    Ok(())
}

async fn migrate(name: &str, url: &str) -> Result<Vec<String>, StartError> {
    match name {
        "auth" => souk_auth::migrate(url).await,
        "product" => souk_product::migrate(url).await,
        "order" => souk_order::migrate(url).await,
        "cart" => souk_cart::migrate(url).await,
        "payment" => Box::pin(souk_payment::migrate(url)).await,
        _ => souk_notification::migrate(url).await,
    }
}
