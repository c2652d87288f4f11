//! Who may ask: users by password, bearers of a token, and, where neither is configured, this machine alone.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{app::App, config::SecurityConfig, error::ConfigServerError};

/// What is answered to everybody. Exactly these: whatever else begins like them is not open.
const OPEN: [&str; 6] = [
    "/health/live",
    "/health/ready",
    "/actuator/health",
    "/actuator/health/configServer",
    "/actuator/health/liveness",
    "/actuator/health/readiness",
];

const NOT_FROM_HERE: &str = "No credentials are configured, so only requests of this machine itself are answered. \
                             Set config-server.security.user and config-server.security.password.";
const WHO: &str = "Send a user and a password (Basic) or a token (Bearer) that the config server knows.";
const ADMIN_ONLY: &str = "This is for administrators: send the credentials of config-server.security.admin-user, \
                          or config-server.security.admin-token.";

/// Who asks, as far as is known. In the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Nobody knows.
    Unknown,
    /// May read.
    Reader,
    /// May do everything.
    Admin,
}

impl Caller {
    /// Errors: it is no administrator.
    pub fn must_be_admin(self) -> Result<(), ConfigServerError> {
        match self {
            Self::Admin => Ok(()),
            Self::Reader => Err(ConfigServerError::Forbidden(ADMIN_ONLY)),
            Self::Unknown => Err(ConfigServerError::Unauthorized(WHO)),
        }
    }
}

/// The credentials that are known, as digests: comparing them tells nothing, not even how long they are.
pub struct Credentials(Vec<(Digest, Caller)>);

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

impl Credentials {
    /// Errors: a user without a password, or a password without a user.
    pub fn new(config: &SecurityConfig) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut known = Vec::new();
        let pairs = [
            ("", &config.user, &config.password, &config.token, Caller::Reader),
            ("admin-", &config.admin_user, &config.admin_password, &config.admin_token, Caller::Admin),
        ];
        let has_admin = !config.admin_user.is_empty() || !config.admin_token.expose().is_empty();
        for (before, user, password, token, caller) in pairs {
            // Who is alone is the administrator.
            let caller = if has_admin { caller } else { Caller::Admin };
            match (user.as_str(), password.expose().as_str()) {
                ("", "") => {}
                ("", _) => {
                    mistakes.push(format!("config-server.security.{before}user is missing; its password is set"));
                }
                (_, "") => mistakes.push(format!("config-server.security.{before}password is missing")),
                (user, _) if user.contains(':') => {
                    mistakes.push(format!("config-server.security.{before}user must not contain a colon"));
                }
                (user, password) => known.push((digest_of(&format!("basic {user}:{password}")), caller)),
            }
            if !token.expose().is_empty() {
                known.push((digest_of(&format!("bearer {}", token.expose())), caller));
            }
        }
        if mistakes.is_empty() { Ok(Self(known)) } else { Err(mistakes) }
    }

    /// Whether none are configured.
    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    fn caller(&self, headers: &HeaderMap) -> Caller {
        let Some(given) = given(headers) else { return Caller::Unknown };
        let given = digest_of(&given);
        // All are compared, the strongest wins.
        let same = |known: &Digest| verify_slices_are_equal(known, &given).is_ok();
        let all = self.0.iter().map(|(known, caller)| if same(known) { *caller } else { Caller::Unknown });
        all.max().unwrap_or(Caller::Unknown)
    }
}

fn digest_of(text: &str) -> Digest {
    let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    bytes
}

/// The header's credentials in one spelling.
fn given(headers: &HeaderMap) -> Option<String> {
    let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let value = value.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(format!("bearer {value}"));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    Some(format!("basic {pair}"))
}

/// Lets requests in that may come in, and tells handlers who asks.
pub async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = match caller_of(&app, &request) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn caller_of(app: &App, request: &Request) -> Result<Caller, ConfigServerError> {
    let is_local = is_of_this_machine(request);
    let caller = match app.credentials.are_none() {
        true if is_local => Caller::Admin,
        true => Caller::Unknown,
        false => app.credentials.caller(request.headers()),
    };
    let path = request.uri().path();
    // A webhook proves itself by its signature, which its handler checks.
    let is_webhook = request.method() == Method::POST && path == "/monitor" && app.has_monitor_secret();
    match caller {
        Caller::Unknown if OPEN.contains(&path) || is_webhook => Ok(Caller::Unknown),
        Caller::Unknown if app.credentials.are_none() => Err(ConfigServerError::Forbidden(NOT_FROM_HERE)),
        Caller::Unknown => Err(ConfigServerError::Unauthorized(WHO)),
        known => Ok(known),
    }
}

/// What proxies add.
const OF_PROXIES: [HeaderName; 5] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
    header::VIA,
];
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request comes from this machine itself: not over a proxy, and not by a web page of elsewhere, which
/// the owner's browser shows or whose name was made to lead here.
fn is_of_this_machine(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let headers = request.headers();
    let has_come_far = OF_PROXIES.iter().any(|name| headers.contains_key(name));
    let host = match headers.get(header::HOST) {
        Some(host) => host.to_str().unwrap_or_default(),
        None => request.uri().authority().map_or("localhost", Authority::as_str),
    };
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !has_come_far
        && is_local_name(host)
        && !is_of_another_page(headers, host)
}

/// Browsers say of which page a request is; what is no browser says nothing.
fn is_of_another_page(headers: &HeaderMap, host: &str) -> bool {
    let is_other_origin = |origin: &HeaderValue| {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
        authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host))
    };
    let is_other_site = |site: &HeaderValue| site.as_bytes() != b"same-origin" && site.as_bytes() != b"none";
    headers.get_all(header::ORIGIN).iter().any(is_other_origin)
        || headers.get_all(SEC_FETCH_SITE).iter().any(is_other_site)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use souk_values::Secret;

    use super::*;

    fn config(user: &str, password: &str, admin: &str, token: &str) -> SecurityConfig {
        SecurityConfig {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            admin_user: admin.to_owned(),
            admin_password: Secret::new(password.to_owned()),
            admin_token: Secret::new(token.to_owned()),
            ..SecurityConfig::default()
        }
    }

    fn caller(credentials: &Credentials, authorization: &str) -> Caller {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        credentials.caller(&headers)
    }

    #[test]
    fn who_is_told_by_basic_and_bearer() {
        let credentials = Credentials::new(&config("ann", "p:w", "root", "t0ken")).unwrap();
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(caller(&credentials, &basic("ann:p:w")), Caller::Reader);
        assert_eq!(caller(&credentials, &basic("root:p:w").replace("Basic", "basic")), Caller::Admin);
        assert_eq!(caller(&credentials, "Bearer t0ken"), Caller::Admin);
        for wrong in [&basic("ann:p"), &basic("ann:"), &basic(":"), "Bearer ann:p:w", "Bearer ", "Basic ?", "t0ken", ""]
        {
            assert_eq!(caller(&credentials, wrong), Caller::Unknown, "{wrong}");
        }
        let alone =
            Credentials::new(&SecurityConfig { admin_password: Secret::default(), ..config("ann", "p", "", "") });
        assert_eq!(caller(&alone.unwrap(), &basic("ann:p")), Caller::Admin);
    }

    #[test]
    fn half_credentials_are_mistakes() {
        for (user, password, admin) in [("ann", "", ""), ("", "x", ""), ("a:b", "x", "root"), ("ann", "x", "")] {
            assert!(Credentials::new(&config(user, password, admin, "")).is_err(), "{user} {password} {admin}");
        }
        assert!(Credentials::new(&SecurityConfig::default()).unwrap().are_none());
    }

    #[test]
    fn names_of_this_machine() {
        for local in
            ["localhost", "localhost:8888", "LOCALHOST:1", "127.0.0.1:8888", "127.1.2.3", "[::1]:8888", "a.localhost"]
        {
            assert!(is_local_name(local), "{local}");
        }
        for other in
            ["evil.example:8888", "10.0.0.1", "[2001:db8::1]:8888", "localhost.evil.example", "127.0.0.1.example", ""]
        {
            assert!(!is_local_name(other), "{other}");
        }
    }
}
