//! Checks each service's store: its engine, and whether its schema is up to date.

use futures::future::join_all;

use super::{
    engine,
    finding::{Finding, State, with_timeout},
};
use crate::{
    address,
    services::{ServiceRow, with_store},
    settings::Settings,
};

/// Checks every store, and the sandbox provider's ledger.
pub async fn check(settings: &Settings) -> Vec<Finding> {
    // A store that is not named is reported with the configuration.
    let stores = with_store().filter_map(|service| Some((service, settings.store_url(service.name).ok()?)));
    let checks =
        stores.map(|(service, url)| async move { check_store(service, &url, settings.is_distributed()).await });
    let ledger = async {
        match settings.sandbox_ledger_url() {
            Ok(Some(url)) => {
                let part = "sandbox ledger";
                let address = address::redacted(&url);
                with_timeout(part, &address, Box::pin(engine::check(part, &address, &url))).await
            }
            Ok(None) | Err(_) => Vec::new(),
        }
    };
    let (stores, ledger) = tokio::join!(join_all(checks), ledger);
    stores.into_iter().flatten().chain(ledger).collect()
}

async fn check_store(service: &ServiceRow, url: &str, is_distributed: bool) -> Vec<Finding> {
    let part = format!("store of {}", service.name);
    let address = address::redacted(url);
    let check = Box::pin(async {
        let mut findings = engine::check(&part, &address, url).await;
        if findings.iter().all(|finding| finding.state != State::Wrong) {
            let pending = pending_migrations(service, &part, &address, url, is_distributed).await;
            let has_tables = !url.starts_with("redis");
            if let (None, Some(first), true) = (&pending, findings.first_mut(), has_tables) {
                first.message.push_str("; its tables are up to date");
            }
            findings.extend(pending);
        }
        findings
    });
    with_timeout(&part, &address, check).await
}

async fn pending_migrations(
    service: &ServiceRow,
    part: &str,
    address: &str,
    url: &str,
    is_distributed: bool,
) -> Option<Finding> {
    let name = service.name;
    let (flag, process) = if is_distributed { (" --distributed", "service") } else { ("", "shop") };
    let advice = format!("run 'souk migrate {name}{flag}', or start the {process}, which migrates it too");
    match (service.pending_migrations)(url).await {
        Ok(pending) if pending.is_empty() => None,
        Ok(pending) => {
            let message = format!("{} migrations are pending: {}", pending.len(), pending.join(", "));
            Some(Finding::warning(part, address, message).with_advice(advice))
        }
        Err(error) => Some(Finding::wrong(part, address, format!("its migrations cannot be read: {error}"))),
    }
}
