//! `souk config show`: prints what a service would be configured with, and everything that is wrong with it.

use serde::Serialize;
use souk_kit::{ShopConfig, config::Sources, discovery::RegistrationConfig, remote_config::RemoteConfig};

use super::{
    rows::{Row, Shown},
    table,
};
use crate::{
    cli::ShowArgs,
    command_error::CommandError,
    folder::Folder,
    process_config::{BusConfig, ServeConfig, TelemetryConfig},
    services::ServiceRow,
    settings::Settings,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'r> {
    service: &'r str,
    values: &'r [Row],
    mistakes: &'r [String],
}

pub async fn run(args: &ShowArgs) -> Result<(), CommandError> {
    let settings = settings(args).await?;
    let shown = shown(args.service, &settings);
    let text = if args.json {
        let report = Report { service: args.service.name, values: &shown.values, mistakes: &shown.mistakes };
        serde_json::to_string_pretty(&report).map_err(CommandError::failed)?
    } else {
        let mut lines = table::lines(&shown.values);
        if !shown.mistakes.is_empty() {
            lines.push(format!("\n{} mistake(s):", shown.mistakes.len()));
            lines.extend(shown.mistakes.iter().map(|mistake| format!("  {mistake}")));
        }
        lines.join("\n")
    };
    say!("{text}");
    if shown.mistakes.is_empty() { Ok(()) } else { Err(CommandError::Finding) }
}

/// Reads the configuration that the service would get.
async fn settings(args: &ShowArgs) -> Result<Settings, CommandError> {
    if args.shop.distributed {
        return Ok(Settings::distributed(distributed(args).await?));
    }
    let folder = Folder::at(&args.shop.data);
    folder.must_exist()?;
    Settings::embedded(&folder, Sources::default(), &args.profiles).await
}

async fn distributed(args: &ShowArgs) -> Result<Sources, CommandError> {
    let environment = Sources::from_env();
    let service = args.service.name;
    // The config server does not configure itself.
    let remote =
        if service == "config-server" { None } else { RemoteConfig::from_env().map_err(CommandError::failed)? };
    match remote {
        Some(remote) => {
            let remote = remote.with_profiles(&args.profiles).map_err(CommandError::failed)?;
            let fetched = remote.fetch(&[service]).await.map_err(CommandError::failed)?;
            Ok(fetched.sources.then(&environment))
        }
        None if args.profiles.is_empty() => Ok(environment),
        None => Err(CommandError::failed("only a config server knows profiles, and SOUK_CONFIG_URL names none")),
    }
}

/// Collects the sections that every service reads, then the service's own.
fn shown(service: &'static ServiceRow, settings: &Settings) -> Shown {
    let sources = settings.sources();
    let mut shown = Shown::default();
    shown.add::<ShopConfig>(sources, "shop");
    shown.add::<BusConfig>(sources, "bus");
    shown.add::<TelemetryConfig>(sources, "telemetry");
    shown.add::<ServeConfig>(sources, "serve");
    shown.add::<RegistrationConfig>(sources, "registration");
    let (section, mistakes) = settings.section_and_mistakes(service);
    let values = section.and_then(|section| section.to_json().ok()).unwrap_or_default();
    shown.add_values(sources, service.name, &values, mistakes);
    shown
}
