//! The services themselves: reached, ready, with our clock and our secret.

use std::collections::BTreeMap;

use futures::future::join_all;
use reqwest::{StatusCode, header};
use serde::Deserialize;
use souk_kit::{auth::ServiceTokenRequest, discovery::Discovery};
use souk_values::{Clock, Secret, SystemClock};

use super::{Finding, finding, in_time};
use crate::{
    address,
    folder::Run,
    services::{GATEWAY, NAMES, WITH_STORE},
    settings::{DISCOVERY_URL, Settings},
};

/// A service's own account of itself.
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

/// Asks every service how it is.
pub async fn check(settings: &Settings) -> Vec<Finding> {
    let http = match reqwest::Client::builder().no_proxy().build() {
        Ok(http) => http,
        Err(error) => return vec![Finding::wrong("peers", "", format!("no client can be made: {error}"))],
    };
    match settings.folder() {
        Some(folder) => match folder.running() {
            Some(Run { gateway, .. }) => ask(&http, "shop", &gateway, "/api/health/ready").await,
            None if folder.is_held() => {
                let advice = "wait a moment; what takes long is in its own output";
                vec![Finding::warning("shop", "", "it is starting or stopping").advising(advice)]
            }
            None => vec![Finding::good("shop", "", "it does not run")],
        },
        None => distributed(&http, settings).await,
    }
}

async fn distributed(http: &reqwest::Client, settings: &Settings) -> Vec<Finding> {
    // An address that cannot be read was told of as a mistake of the configuration.
    let mut services = settings.services().unwrap_or_default();
    let (registries, registered) = registries().await;
    match registered {
        Some(registered) => {
            for (service, bases) in registered {
                services.entry(service).or_insert(bases);
            }
        }
        None => {
            services.entry("gateway".to_owned()).or_insert_with(|| vec![format!("http://127.0.0.1:{GATEWAY}")]);
        }
    }
    let lost = WITH_STORE.into_iter().filter(|name| !registries.is_empty() && !services.contains_key(*name));
    let lost: Vec<Finding> = lost.map(unregistered).collect();
    let known = NAMES.iter().filter_map(|name| Some((*name, services.get(*name)?)));
    let asked = known.flat_map(|(name, bases)| bases.iter().map(move |base| ask(http, name, base, "/health/ready")));
    let secret = async {
        match (services.get("auth").and_then(|bases| bases.first()), settings.shop()) {
            (Some(base), Ok(shop)) if !shop.service_secret.expose().is_empty() => {
                in_time("service secret", base, Box::pin(try_secret(http, base, shop.service_secret.expose()))).await
            }
            _ => Vec::new(),
        }
    };
    let (asked, secret) = tokio::join!(join_all(asked), secret);
    registries.into_iter().chain(lost).chain(asked.into_iter().flatten()).chain(secret).collect()
}

/// How each registry is, and what the first that answers knows.
async fn registries() -> (Vec<Finding>, Option<BTreeMap<String, Vec<String>>>) {
    let urls = std::env::var(DISCOVERY_URL).unwrap_or_default();
    let (mut findings, mut known) = (Vec::new(), None);
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let place = address::shown(url);
        match Discovery::look(&Secret::new(url.to_owned()), &SystemClock).await {
            Ok(services) => {
                let count: usize = services.values().map(Vec::len).sum();
                let says = format!("it knows {count} instance(s) of {} service(s)", services.len());
                findings.push(Finding::good("registry", &place, says));
                known.get_or_insert(services);
            }
            Err(error) => {
                let advice = "start it with 'souk serve discovery', or correct SOUK_DISCOVERY_URL; meanwhile services \
                              go on with what they know";
                findings.push(Finding::wrong("registry", &place, error).advising(advice));
            }
        }
    }
    (findings, known)
}

fn unregistered(name: &str) -> Finding {
    let advice = format!("start it with 'souk serve {name}' and the same SOUK_DISCOVERY_URL");
    Finding::wrong(name, "", "the registry knows no instance of it").advising(advice)
}

async fn ask(http: &reqwest::Client, name: &str, base: &str, path: &str) -> Vec<Finding> {
    let asking = Box::pin(async {
        let before = SystemClock.now().seconds();
        let answer = match http.get(format!("{base}{path}")).send().await {
            Ok(answer) => answer,
            Err(error) => return vec![away(name, base, &error)],
        };
        let after = SystemClock.now().seconds();
        let date = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()).and_then(seconds);
        let ahead_ms = date.map_or(0, |date| 1_000 * (date - date.clamp(before - 1, after + 1)));
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        std::iter::once(readiness(name, base, status, &body)).chain(finding::of_clock(name, base, ahead_ms)).collect()
    });
    in_time(name, base, asking).await
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
        let advice = "is that a service of souk? Look at its address in the section services";
        return Finding::wrong(name, base, format!("it answered {status} when asked whether it is ready"))
            .advising(advice);
    }
    Finding::wrong(name, base, format!("it is not ready: {}", missing.join("; ")))
        .advising("mend what it names; it comes back by itself then")
}

fn away(name: &str, base: &str, error: &reqwest::Error) -> Finding {
    let why = if error.is_connect() { "nothing listens there" } else { "it gave no answer" };
    let advice = format!(
        "start it with 'souk serve {name}', or say where it is: SOUK_SERVICES__{}=http://host:port",
        name.to_uppercase()
    );
    Finding::wrong(name, base, why).advising(advice)
}

async fn try_secret(http: &reqwest::Client, base: &str, secret: &str) -> Vec<Finding> {
    let request = ServiceTokenRequest { service: "doctor".to_owned(), secret: secret.to_owned() };
    match http.post(format!("{base}/internal/tokens")).json(&request).send().await {
        Ok(answer) if answer.status() == StatusCode::OK => {
            vec![Finding::good("service secret", base, "auth takes it")]
        }
        Ok(answer) if answer.status() == StatusCode::UNAUTHORIZED => {
            let advice = "set SOUK_SHOP__SERVICE_SECRET to the same text for all services";
            vec![Finding::wrong("service secret", base, "auth refuses it: it has another one").advising(advice)]
        }
        // That auth is away or not ready is told of already.
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`.
fn seconds(date: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc2822(date).ok().map(|date| date.timestamp())
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn what_a_service_lacks_is_told_in_its_own_words() {
        let body = r#"{"status":"DOWN","checks":[{"name":"bus","status":"UP"},{"name":"store","status":"DOWN","error":"refused"}]}"#;
        let finding = readiness("order", "http://a", StatusCode::SERVICE_UNAVAILABLE, body);
        assert_eq!((finding.state, finding.says.as_str()), (State::Wrong, "it is not ready: store: refused"));
        assert_eq!(readiness("order", "http://a", StatusCode::OK, "").state, State::Good);
        let strange = readiness("order", "http://a", StatusCode::NOT_FOUND, "<html>");
        assert!(strange.says.contains("404") && strange.advice.is_some());
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("yesterday"), None);
    }

    #[tokio::test]
    async fn a_closed_port_says_how_to_start_it() {
        souk_kit::install_crypto();
        let http = reqwest::Client::new();
        let [away] = ask(&http, "order", "http://127.0.0.1:1", "/health/ready").await.try_into().unwrap();
        assert_eq!((away.state, away.says.as_str()), (State::Wrong, "nothing listens there"));
        assert!(away.advice.unwrap().contains("souk serve order"));
    }
}
