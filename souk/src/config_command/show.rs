//! `souk config show`.

use std::io::Write;

use serde::Serialize;
use souk_kit::{
    ShopConfig,
    config::{ConfigError, Sources},
    discovery::RegistrationConfig,
    remote_config::RemoteConfig,
};

use super::{
    ShowArgs,
    rows::{Row, Shown},
    table,
};
use crate::{
    CommandError,
    bus::BusConfig,
    embedded,
    folder::Folder,
    serve::{ServeConfig, TelemetryConfig},
    services::WITH_STORE,
    settings::Settings,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'r> {
    service: &'r str,
    values: &'r [Row],
    mistakes: &'r [String],
}

/// Prints it.
pub async fn run(args: &ShowArgs) -> Result<(), CommandError> {
    let sources = sources(args).await?;
    let shown = shown(&args.service, &sources);
    let text = if args.json {
        let report = Report { service: &args.service, values: &shown.values, mistakes: &shown.mistakes };
        serde_json::to_string_pretty(&report).map_err(CommandError::failed)?
    } else {
        let mut lines = table::lines(&shown.values);
        if !shown.mistakes.is_empty() {
            lines.push(format!("\n{} mistake(s):", shown.mistakes.len()));
            lines.extend(shown.mistakes.iter().map(|mistake| format!("  {mistake}")));
        }
        lines.join("\n")
    };
    writeln!(std::io::stdout(), "{text}").map_err(CommandError::failed)?;
    if shown.mistakes.is_empty() { Ok(()) } else { Err(CommandError::Finding) }
}

/// What the service would be configured by.
async fn sources(args: &ShowArgs) -> Result<Sources, CommandError> {
    if args.shop.distributed {
        return distributed(args).await;
    }
    let folder = Folder::at(&args.shop.data);
    folder.must_exist()?;
    let filed = embedded::configuration(&folder, &args.profiles).await?;
    Ok(of_folder(&folder, &args.service).then(&filed).then(&Sources::from_env()))
}

async fn distributed(args: &ShowArgs) -> Result<Sources, CommandError> {
    let environment = Sources::from_env();
    // The config server cannot be configured by itself.
    let remote =
        if args.service == "config-server" { None } else { RemoteConfig::from_env().map_err(CommandError::failed)? };
    match remote {
        Some(remote) => {
            let remote = remote.with_profiles(&args.profiles).map_err(CommandError::failed)?;
            let fetched = remote.fetch(&[&args.service]).await.map_err(CommandError::failed)?;
            Ok(fetched.sources.then(&environment))
        }
        None if args.profiles.is_empty() => Ok(environment),
        None => Err(CommandError::failed("only a config server knows profiles, and SOUK_CONFIG_URL names none")),
    }
}

/// What the folder says where nothing is configured.
fn of_folder(folder: &Folder, service: &str) -> Sources {
    let origin = "the shop's folder";
    let mut sources = Sources::default();
    if WITH_STORE.contains(&service) {
        sources = sources.with_from(origin, service, "store-url", folder.store_url(service));
    }
    match service {
        "payment" => sources.with_from(origin, service, "sandbox-ledger-url", folder.store_url("sandbox")),
        "notification" => sources.with_from(origin, service, "mailbox-dir", folder.mailbox().display().to_string()),
        _ => sources,
    }
}

/// What every service reads, then its own.
fn shown(service: &str, sources: &Sources) -> Shown {
    let mut shown = Shown::default();
    shown.add::<ShopConfig>(sources, "shop");
    shown.add::<BusConfig>(sources, "bus");
    shown.add::<TelemetryConfig>(sources, "telemetry");
    shown.add::<ServeConfig>(sources, "serve");
    shown.add::<RegistrationConfig>(sources, "registration");
    match service {
        "auth" => drop(shown.add::<souk_auth::AuthConfig>(sources, service)),
        "product" => drop(shown.add::<souk_product::ProductConfig>(sources, service)),
        "order" => drop(shown.add::<souk_order::OrderConfig>(sources, service)),
        "cart" => drop(shown.add::<souk_cart::CartConfig>(sources, service)),
        "payment" => {
            let config = shown.add::<souk_payment::PaymentConfig>(sources, service);
            shown.mistakes.extend(
                config.and_then(|config| config.check().err()).into_iter().flat_map(|ConfigError(wrong)| wrong),
            );
        }
        "notification" => drop(shown.add::<souk_notification::NotificationConfig>(sources, service)),
        "gateway" => drop(shown.add::<souk_gateway::GatewayConfig>(sources, service)),
        "discovery" => drop(shown.add::<souk_discovery::DiscoveryConfig>(sources, service)),
        "config-server" => drop(shown.add::<souk_config_server::ConfigServerConfig>(sources, service)),
        other => shown.mistakes.push(format!("there is no service {other}")),
    }
    if WITH_STORE.contains(&service)
        && let Err(ConfigError(missing)) = Settings::distributed(sources.clone()).store_url(service)
    {
        shown.mistakes.extend(missing);
    }
    shown
}
