//! Checks the services: registered, reachable, ready, with the same clock and secret.

use std::collections::BTreeMap;

use futures::future::join_all;
use reqwest::{StatusCode, header};
use serde::Deserialize;
use souk_kit::{Service, ShopConfig, auth::ServiceTokenRequest, discovery::Discovery, environment};
use souk_values::{Clock, Secret, SystemClock};

use super::finding::{Finding, clock_deviation, with_timeout};
use crate::{
    address,
    folder::RunningShop,
    services::{self, with_store},
    settings::{DISCOVERY_URL, Settings},
};

/// Body of `/health/ready`. The gateway lists its services, the others list their checks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Readiness {
    checks: Vec<Check>,
    services: Vec<Check>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Check {
    name: String,
    error: Option<String>,
}

pub async fn check(settings: &Settings) -> Vec<Finding> {
    // A proxy of the environment would answer in place of a service that is down.
    let http = match reqwest::Client::builder().no_proxy().build() {
        Ok(http) => http,
        Err(error) => return vec![Finding::wrong("peers", "", format!("the HTTP client cannot be created: {error}"))],
    };
    match settings.folder() {
        Some(folder) => match folder.running_shop() {
            Some(RunningShop { gateway, .. }) => check_service(&http, "shop", &gateway, "/api/health/ready").await,
            None if folder.is_locked() => {
                let advice = "wait a moment; its own output shows what takes long";
                vec![Finding::warning("shop", "", "it is starting or stopping").with_advice(advice)]
            }
            None => vec![Finding::good("shop", "", "it is not running")],
        },
        None => check_distributed(&http, settings).await,
    }
}

async fn check_distributed(http: &reqwest::Client, settings: &Settings) -> Vec<Finding> {
    // A malformed address is reported with the configuration.
    let mut services = settings.services().unwrap_or_default();
    let (registries, registered) = check_registries().await;
    // Without a registry, the gateway is expected at its standard port.
    let gateway = format!("http://127.0.0.1:{}", souk_gateway::Gateway::PORT);
    let registered = registered.unwrap_or_else(|| BTreeMap::from([("gateway".to_owned(), vec![gateway])]));
    for (service, bases) in registered {
        services.entry(service).or_insert(bases);
    }
    let names = with_store().map(|service| service.name);
    let missing = names.filter(|name| !registries.is_empty() && !services.contains_key(*name));
    let missing: Vec<Finding> = missing.map(unregistered).collect();
    let known = services::all().iter().filter_map(|service| Some((service.name, services.get(service.name)?)));
    let checks =
        known.flat_map(|(name, bases)| bases.iter().map(move |base| check_service(http, name, base, "/health/ready")));
    let secret = async {
        match (services.get("auth").and_then(|bases| bases.first()), settings.shared_section::<ShopConfig>("shop")) {
            (Some(base), Ok(shop)) if !shop.service_secret.expose().is_empty() => {
                let check = Box::pin(check_secret(http, base, shop.service_secret.expose()));
                with_timeout("service secret", base, check).await
            }
            _ => Vec::new(),
        }
    };
    let (checked, secret) = tokio::join!(join_all(checks), secret);
    registries.into_iter().chain(missing).chain(checked.into_iter().flatten()).chain(secret).collect()
}

/// Queries each registry. Returns a finding for each, and the base URLs of each service in the first that answers.
async fn check_registries() -> (Vec<Finding>, Option<BTreeMap<String, Vec<String>>>) {
    let urls = environment::variable(DISCOVERY_URL).unwrap_or_default();
    let mut findings = Vec::new();
    let mut known = None;
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let address = address::redacted(url);
        match Discovery::list_services(&Secret::new(url.to_owned()), &SystemClock).await {
            Ok(services) => {
                let count: usize = services.values().map(Vec::len).sum();
                let message = format!("it knows {count} instance(s) of {} service(s)", services.len());
                findings.push(Finding::good("registry", &address, message));
                known.get_or_insert(services);
            }
            Err(error) => {
                let advice = "start it with 'souk serve discovery', or correct SOUK_DISCOVERY_URL; meanwhile services \
                              use the addresses that they know";
                findings.push(Finding::wrong("registry", &address, error).with_advice(advice));
            }
        }
    }
    (findings, known)
}

fn unregistered(name: &str) -> Finding {
    let advice = format!("start it with 'souk serve {name}' and the same SOUK_DISCOVERY_URL");
    Finding::wrong(name, "", "the registry knows no instance of it").with_advice(advice)
}

/// Checks that the instance at `base` is ready, and its clock.
async fn check_service(http: &reqwest::Client, name: &str, base: &str, path: &str) -> Vec<Finding> {
    let check = Box::pin(async {
        let before = SystemClock.now().seconds();
        let response = match http.get(format!("{base}{path}")).send().await {
            Ok(response) => response,
            Err(error) => return vec![unreachable(name, base, &error)],
        };
        let after = SystemClock.now().seconds();
        // `Date` has whole seconds: only a deviation beyond the request's duration and one second counts.
        let date = response.headers().get(header::DATE).and_then(|date| date.to_str().ok()).and_then(seconds);
        let ahead_ms = date.map_or(0, |date| 1_000 * (date - date.clamp(before - 1, after + 1)));
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        std::iter::once(readiness(name, base, status, &body)).chain(clock_deviation(name, base, ahead_ms)).collect()
    });
    with_timeout(name, base, check).await
}

fn readiness(name: &str, base: &str, status: StatusCode, body: &str) -> Finding {
    if status == StatusCode::OK {
        return Finding::good(name, base, "it is ready");
    }
    let Readiness { checks, services } = serde_json::from_str(body).unwrap_or_default();
    let missing: Vec<String> = checks
        .into_iter()
        .chain(services)
        .filter_map(|check| check.error.map(|error| format!("{}: {error}", check.name)))
        .collect();
    if missing.is_empty() {
        let advice = "is that a service of souk? Check its address in the section services";
        return Finding::wrong(name, base, format!("its readiness check answered {status}")).with_advice(advice);
    }
    Finding::wrong(name, base, format!("it is not ready: {}", missing.join("; ")))
        .with_advice("fix what it names; it becomes ready automatically")
}

fn unreachable(name: &str, base: &str, error: &reqwest::Error) -> Finding {
    let reason = if error.is_connect() { "nothing listens there" } else { "it gave no answer" };
    let advice = format!(
        "start it with 'souk serve {name}', or set its address: SOUK_SERVICES__{}=http://host:port",
        name.to_uppercase()
    );
    Finding::wrong(name, base, reason).with_advice(advice)
}

/// Checks that auth accepts the service secret of this configuration.
async fn check_secret(http: &reqwest::Client, base: &str, secret: &str) -> Vec<Finding> {
    let request = ServiceTokenRequest { service: "doctor".to_owned(), secret: secret.to_owned() };
    match http.post(format!("{base}/internal/tokens")).json(&request).send().await {
        Ok(response) if response.status() == StatusCode::OK => {
            vec![Finding::good("service secret", base, "auth accepts it")]
        }
        Ok(response) if response.status() == StatusCode::UNAUTHORIZED => {
            let advice = "set SOUK_SHOP__SERVICE_SECRET to the same text for all services";
            vec![Finding::wrong("service secret", base, "auth refuses it: its own is different").with_advice(advice)]
        }
        // The check of auth itself reports that it is down or not ready.
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Parses an HTTP date, such as `Sun, 06 Nov 1994 08:49:37 GMT`, to seconds since 1970.
fn seconds(date: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{super::finding::State, *};

    #[test]
    fn a_failed_check_is_reported_in_the_words_of_the_service() {
        let body = r#"{"status":"DOWN","checks":[{"name":"bus","status":"UP"},{"name":"store","status":"DOWN","error":"refused"}]}"#;
        let finding = readiness("order", "http://a", StatusCode::SERVICE_UNAVAILABLE, body);
        assert_eq!((finding.state, finding.message.as_str()), (State::Wrong, "it is not ready: store: refused"));
        assert_eq!(readiness("order", "http://a", StatusCode::OK, "").state, State::Good);
        let strange = readiness("order", "http://a", StatusCode::NOT_FOUND, "<html>");
        assert!(strange.message.contains("404") && strange.advice.is_some());
    }

    #[test]
    fn dates_are_parsed() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }

    #[tokio::test]
    async fn a_closed_port_comes_with_the_command_to_start_it() {
        souk_kit::install_crypto();
        let http = reqwest::Client::new();
        let [closed] = check_service(&http, "order", "http://127.0.0.1:1", "/health/ready").await.try_into().unwrap();
        assert_eq!((closed.state, closed.message.as_str()), (State::Wrong, "nothing listens there"));
        assert!(closed.advice.unwrap().contains("souk serve order"));
    }
}
