//! `souk import`: imports products through the running shop, or directly into the store of a stopped one.

use std::{fs::File, sync::Arc};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use serde::Deserialize;
use souk_kit::ShopConfig;
use souk_product::{
    ProductStore,
    import::{ImportReport, import_csv},
};
use souk_values::{Clock, IdGen, SystemClock};

use crate::{
    cli::ImportArgs, command_error::CommandError, folder::RunningShop, operator::Operator, settings::Settings,
};

/// The API's import report.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    rejected: Vec<Rejected>,
    ignored_columns: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    line: u64,
    reason: String,
}

pub async fn run(args: ImportArgs) -> Result<(), CommandError> {
    let csv = tokio::fs::read(&args.file)
        .await
        .map_err(|error| CommandError::failed(format!("{} cannot be read: {error}", args.file.display())))?;
    let settings = Settings::of(&args.shop).await?;
    let report = match settings.folder() {
        Some(folder) => {
            if let Some(shop) = folder.running_shop() {
                through_the_shop(&shop, csv).await?
            } else {
                let _lock = folder.lock()?;
                into_the_store(&settings, &csv).await?
            }
        }
        // An engine takes a second writer; the running service's relay publishes the events from the outbox.
        None => into_the_store(&settings, &csv).await?,
    };
    print(&report);
    if report.rejected.is_empty() { Ok(()) } else { Err(CommandError::Finding) }
}

async fn through_the_shop(shop: &RunningShop, csv: Vec<u8>) -> Result<Report, CommandError> {
    let bar = ProgressBar::new_spinner().with_message("The running shop reads the file …");
    bar.enable_steady_tick(std::time::Duration::from_millis(100));
    let operator = Operator::sign_in(shop).await?;
    let body = operator.send(Method::POST, "/products/import", Some(("text/csv", csv))).await?;
    bar.finish_and_clear();
    serde_json::from_str(&body).map_err(CommandError::failed)
}

async fn into_the_store(settings: &Settings, csv: &[u8]) -> Result<Report, CommandError> {
    let (store, _lock) = open_products(settings).await?;
    let report = import_with_bar(&store, csv).await?;
    serde_json::to_value(report).and_then(serde_json::from_value).map_err(CommandError::failed)
}

/// Opens the catalogue of a shop that does not run. Its file is locked while the second value lives.
pub async fn open_products(settings: &Settings) -> Result<(ProductStore, Option<File>), CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let shop: ShopConfig = settings.shared_section("shop").map_err(CommandError::failed)?;
    let ids = IdGen::new(Arc::clone(&clock));
    let url = settings.store_url("product").map_err(CommandError::failed)?;
    let lock = settings.lock_file(&url)?;
    let store = ProductStore::open(&url, ids, clock, shop.currency).await.map_err(CommandError::failed)?;
    Ok((store, lock))
}

/// Imports `csv` into `store`, with a progress bar on a terminal.
pub async fn import_with_bar(store: &ProductStore, csv: &[u8]) -> Result<ImportReport, CommandError> {
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} products, {elapsed}") {
        bar.set_style(style);
    }
    let report = import_csv(store, csv, |done, total| {
        bar.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    })
    .await
    .map_err(CommandError::failed)?;
    bar.finish_and_clear();
    Ok(report)
}

fn print(report: &Report) {
    let Report { created, updated, unchanged, rejected, ignored_columns } = report;
    say!("{created} new, {updated} updated, {unchanged} unchanged, {} rejected.", rejected.len());
    for Rejected { line, reason } in rejected {
        say!("  line {line}: {reason}");
    }
    if !ignored_columns.is_empty() {
        say!("Columns that are not used: {}.", ignored_columns.join(", "));
    }
}
