//! The variables `SOUK_CONFIG_*`. A mistake never shows a value, which may hold a password.

use std::time::Duration;

use souk_values::Secret;
use url::Url;

use super::{RemoteConfig, Server, SignIn};
use crate::{config::ConfigError, credentials};

/// Time limit for connecting.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Time limit of a response, which may wait for the server's fetch from its repository.
const RESPONSE_LIMIT: Duration = Duration::from_secs(20);
/// Upper bound of `SOUK_CONFIG_TIMEOUT_SECONDS`.
const MAX_TIMEOUT_SECONDS: u64 = 86_400;

pub(super) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<RemoteConfig>, ConfigError> {
    let set = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let Some(urls) = set("SOUK_CONFIG_URL") else { return Ok(None) };
    let mut mistakes = Vec::new();
    let token = set("SOUK_CONFIG_TOKEN");
    if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
        mistakes.push("SOUK_CONFIG_TOKEN has spaces or characters that no token has".to_owned());
    }
    let token = token.map_or(SignIn::Nothing, |token| SignIn::Token(Secret::new(token)));
    let mut servers = Vec::new();
    for (nth, url) in (1_u32..).zip(urls.split(',').map(str::trim).filter(|url| !url.is_empty())) {
        match server(url, &token) {
            Ok(server) => servers.push(server),
            Err(wrong) => mistakes.push(format!("SOUK_CONFIG_URL: its address {nth} {wrong}")),
        }
    }
    if servers.is_empty() && mistakes.is_empty() {
        mistakes.push("SOUK_CONFIG_URL names no server; http://host:8888 does".to_owned());
    }
    let profiles = list(set("SOUK_CONFIG_PROFILES").as_deref().unwrap_or("default"));
    let in_variable = |wrong: String| format!("SOUK_CONFIG_PROFILES: {wrong}");
    mistakes.extend(profiles.iter().filter_map(|profile| mistake_of_profile(profile)).map(in_variable));
    let label = set("SOUK_CONFIG_LABEL");
    if label.as_deref().is_some_and(is_no_label) {
        mistakes.push("SOUK_CONFIG_LABEL is a branch, tag or commit, without '..' and '#'".to_owned());
    }
    let seconds = set("SOUK_CONFIG_TIMEOUT_SECONDS").map_or(Ok(60), |text| text.parse::<u64>());
    let seconds = seconds.ok().filter(|seconds| *seconds <= MAX_TIMEOUT_SECONDS);
    if seconds.is_none() {
        let text = format!("SOUK_CONFIG_TIMEOUT_SECONDS is a whole number of seconds, up to {MAX_TIMEOUT_SECONDS}");
        mistakes.push(text);
    }
    let http = client().map_err(|error| mistakes.push(format!("the client of the config server: {error}"))).ok();
    match (seconds, http) {
        (Some(seconds), Some(http)) if mistakes.is_empty() => {
            Ok(Some(RemoteConfig { servers, profiles, label, timeout: Duration::from_secs(seconds), http }))
        }
        _ => Err(ConfigError(mistakes)),
    }
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(RESPONSE_LIMIT)
        // A redirect would carry the credentials to another server.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// Returns the rule that a profile's name breaks, if any.
pub(super) fn mistake_of_profile(profile: &str) -> Option<String> {
    let is_end = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let may_be = |letter: char| letter.is_alphanumeric() || "-_.+@".contains(letter);
    let is_right = is_end(profile.chars().next()) && is_end(profile.chars().next_back()) && profile.chars().all(may_be);
    (!is_right).then(|| {
        "a profile is letters and digits, with '-', '_', '.', '+' and '@' between; commas are between profiles"
            .to_owned()
    })
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).collect()
}

fn is_no_label(label: &str) -> bool {
    label.contains("..") || label.contains('#') || label.starts_with("(_)") || label.starts_with('/')
}

/// Errors: the reason, without the address.
fn server(text: &str, token: &SignIn) -> Result<Server, &'static str> {
    let mut base = Url::parse(text).map_err(|_| "is not like http://host:8888")?;
    if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
        return Err("is not like http://host:8888");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err("has a '?' or '#': write %3F and %23 in a password, %40 for '@', %2C for ','");
    }
    let own = credentials::take(&mut base).map_err(|_| "has a user or password that is not valid UTF-8")?;
    let sign_in = own.map_or_else(|| token.clone(), |(user, password)| SignIn::Basic { user, password });
    Ok(Server { base, sign_in })
}
