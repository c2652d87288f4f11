//! Each service's store: reached, new enough, up to date, durable.

use futures::future::join_all;
use souk_kit::StartError;

use super::{Finding, engine, in_time};
use crate::{address, services::with_store, settings::Settings};

/// Tries every store and the sandbox provider's ledger.
pub async fn check(settings: &Settings) -> Vec<Finding> {
    // A store that is not named was told of as a mistake of the configuration.
    let stores = with_store().filter_map(|name| Some((name, settings.store_url(name).ok()?)));
    let tried = stores.map(|(name, url)| async move { one(name, &url, settings.is_distributed()).await });
    let ledger = async {
        match settings.sandbox_ledger_url() {
            Ok(url) if settings.uses_sandbox() => {
                let (part, place) = ("sandbox ledger", address::shown(&url));
                in_time(part, &place, Box::pin(engine::check(part, &place, &url))).await
            }
            Ok(_) | Err(_) => Vec::new(),
        }
    };
    let (stores, ledger) = tokio::join!(join_all(tried), ledger);
    stores.into_iter().flatten().chain(ledger).collect()
}

async fn one(name: &'static str, url: &str, is_distributed: bool) -> Vec<Finding> {
    let (part, place) = (format!("store of {name}"), address::shown(url));
    let trying = Box::pin(async {
        let mut findings = engine::check(&part, &place, url).await;
        if findings.iter().all(|finding| finding.state != super::State::Wrong) {
            let pending = migrations(name, &part, &place, url, is_distributed).await;
            let has_tables = !url.starts_with("redis");
            if let (None, Some(first), true) = (&pending, findings.first_mut(), has_tables) {
                first.says.push_str("; its tables are up to date");
            }
            findings.extend(pending);
        }
        findings
    });
    in_time(&part, &place, trying).await
}

async fn migrations(name: &str, part: &str, place: &str, url: &str, is_distributed: bool) -> Option<Finding> {
    let advice = if is_distributed {
        format!("run 'souk migrate {name} --distributed', or start the service, which does it too")
    } else {
        format!("run 'souk migrate {name}', or start the shop, which does it too")
    };
    match pending(name, url).await {
        Ok(pending) if pending.is_empty() => None,
        Ok(pending) => {
            let says = format!("{} migrations are pending: {}", pending.len(), pending.join(", "));
            Some(Finding::warning(part, place, says).advising(advice))
        }
        Err(error) => Some(Finding::wrong(part, place, format!("its migrations cannot be read: {error}"))),
    }
}

async fn pending(name: &str, url: &str) -> Result<Vec<String>, StartError> {
    match name {
        "auth" => souk_auth::pending_migrations(url).await,
        "product" => souk_product::pending_migrations(url).await,
        "order" => souk_order::pending_migrations(url).await,
        "cart" => souk_cart::pending_migrations(url).await,
        "payment" => Box::pin(souk_payment::pending_migrations(url)).await,
        _ => souk_notification::pending_migrations(url).await,
    }
}
