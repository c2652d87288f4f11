//! Requests to the registries: to the current one, and to the next when it fails.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, Response, StatusCode, header};
use souk_values::{Secret, error_chain};
use url::Url;

use crate::{
    credentials,
    http_body::{BodyError, read_at_most},
};

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// Time limit of one server; a whole registry may be large.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Largest registry that is read, in bytes.
const MAX_BODY: usize = 64 << 20;

/// No registry gave a usable response. The text names each failure, without passwords.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(String);

/// Response of a registry.
#[derive(Debug)]
pub struct RegistryResponse {
    pub status: StatusCode,
    /// Body of at most [`MAX_BODY`] bytes.
    pub body: Bytes,
}

/// Request to the first registry that answers.
#[derive(Debug)]
pub struct RegistryRequest<'r> {
    pub method: Method,
    /// Path segments below the base URL, not yet encoded. An empty last one makes a trailing slash.
    pub path: &'r [&'r str],
    pub query: &'r [(&'r str, &'r str)],
    pub body: Option<&'r serde_json::Value>,
}

impl<'r> RegistryRequest<'r> {
    /// Returns a request without query and body.
    pub fn new(method: Method, path: &'r [&'r str]) -> Self {
        Self { method, path, query: &[], body: None }
    }
}

#[derive(Debug)]
struct Server {
    /// URL without user and password, fit to be shown.
    base: Url,
    user: Option<(String, Secret)>,
}

/// All configured registries. One that answered is used until it fails.
#[derive(Debug)]
pub struct Servers {
    http: reqwest::Client,
    list: Vec<Server>,
    current: AtomicUsize,
}

impl Servers {
    /// Parses a comma-separated list of URLs. Errors: every invalid one by its position, as its text may hold a password.
    pub fn new(urls: &Secret) -> Result<Self, Vec<String>> {
        let texts = urls.expose().split(',').map(str::trim).filter(|text| !text.is_empty());
        let mut servers = Vec::new();
        let mut mistakes = Vec::new();
        for (position, text) in (1_u32..).zip(texts) {
            match server(text) {
                Some(server) => servers.push(server),
                None => mistakes.push(format!(
                    "SOUK_DISCOVERY_URL: address {position} is not like http://user:password@host:8761/eureka (special \
                     characters in user and password as %40)"
                )),
            }
        }
        if servers.is_empty() && mistakes.is_empty() {
            mistakes.push("SOUK_DISCOVERY_URL: it names no registry; such as http://discovery:8761/eureka".to_owned());
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .timeout(TIME_LIMIT)
            .pool_idle_timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| mistakes.push(format!("the HTTP client cannot be built: {error}")));
        match http {
            Ok(http) if mistakes.is_empty() => Ok(Self { http, list: servers, current: AtomicUsize::new(0) }),
            _ => Err(mistakes),
        }
    }

    /// True if credentials are sent to every registry.
    pub fn have_credentials(&self) -> bool {
        self.list.iter().all(|server| server.user.is_some())
    }

    /// Index of the current registry. It changes when another one takes over.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// Hosts and ports of the registries, the current one first.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, u16)> {
        self.in_order().filter_map(|(_, server)| {
            let (host, port) = (server.base.host_str()?, server.base.port_or_known_default()?);
            Some((host.trim_start_matches('[').trim_end_matches(']'), port))
        })
    }

    /// Sends `request` to one registry after another until `accept` takes a response; it returns the reason otherwise.
    pub async fn send<T>(
        &self,
        request: &RegistryRequest<'_>,
        accept: impl Fn(RegistryResponse) -> Result<T, String>,
    ) -> Result<T, Unreachable> {
        let mut causes = Vec::new();
        for (index, server) in self.in_order() {
            match self.send_to(server, request).await.and_then(&accept) {
                Ok(accepted) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok(accepted);
                }
                Err(cause) => causes.push(format!("{}: {cause}", server.base)),
            }
        }
        Err(Unreachable(causes.join("; ")))
    }

    fn in_order(&self) -> impl Iterator<Item = (usize, &Server)> {
        self.list.iter().enumerate().cycle().skip(self.current()).take(self.list.len())
    }

    async fn send_to(&self, server: &Server, request: &RegistryRequest<'_>) -> Result<RegistryResponse, String> {
        let mut url = server.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(request.path);
        }
        // No `Accept-Encoding`: bodies are parsed as they arrive.
        let mut builder = self.http.request(request.method.clone(), url).header(header::ACCEPT, "application/json");
        if let Some((user, password)) = &server.user {
            builder = builder.basic_auth(user, Some(password.expose()));
        }
        if !request.query.is_empty() {
            builder = builder.query(request.query);
        }
        if let Some(body) = request.body {
            builder = builder.json(body);
        }
        let response = builder.send().await.map_err(describe)?;
        let status = response.status();
        Ok(RegistryResponse { status, body: read(response).await? })
    }
}

/// Accepts a success only.
pub fn successful(response: RegistryResponse) -> Result<RegistryResponse, String> {
    if response.status.is_success() { Ok(response) } else { Err(unusable(response.status)) }
}

/// Accepts an answer to the request, be it a refusal; not the report that this registry cannot serve at all.
pub fn answered(response: RegistryResponse) -> Result<RegistryResponse, String> {
    let cannot_serve = matches!(
        response.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    if response.status.is_client_error() && !cannot_serve { Ok(response) } else { successful(response) }
}

/// Accepts an answer to a registration. A registry never answers it 404: that is some other server.
pub fn answered_registration(response: RegistryResponse) -> Result<RegistryResponse, String> {
    let is_refusal = matches!(
        response.status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::INSUFFICIENT_STORAGE
    );
    if is_refusal { Ok(response) } else { successful(response) }
}

fn unusable(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("{status}: are user and password in SOUK_DISCOVERY_URL right?")
        }
        StatusCode::NOT_FOUND => format!("{status}: is this address a registry's?"),
        _ => status.to_string(),
    }
}

async fn read(response: Response) -> Result<Bytes, String> {
    read_at_most(response, MAX_BODY).await.map_err(|error| match error {
        BodyError::TooLarge(_) => format!("its response has more than {} MB", MAX_BODY >> 20),
        BodyError::Broken(error) => describe(error),
    })
}

fn describe(error: reqwest::Error) -> String {
    error_chain(&error.without_url())
}

fn server(text: &str) -> Option<Server> {
    let mut base = Url::parse(text).ok()?;
    if !matches!(base.scheme(), "http" | "https") || base.query().is_some() || base.fragment().is_some() {
        return None;
    }
    let user = credentials::take(&mut base).ok()?;
    if matches!(base.path(), "" | "/") {
        base.set_path("/eureka");
    }
    Some(Server { base, user })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(urls: &str) -> Result<Servers, Vec<String>> {
        crate::install_crypto();
        Servers::new(&Secret::new(urls.to_owned()))
    }

    #[test]
    fn addresses_are_parsed_and_passwords_kept_apart() {
        let list = servers("http://souk:p%40ss@one:8761, https://two/own/path/ ,http://[::1]:9/eureka").unwrap();
        let shown: Vec<&str> = list.list.iter().map(|server| server.base.as_str()).collect();
        assert_eq!(shown, ["http://one:8761/eureka", "https://two/own/path/", "http://[::1]:9/eureka"]);
        let (user, password) = list.list[0].user.as_ref().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("souk", "p@ss"));
        assert_eq!(list.addresses().collect::<Vec<_>>(), [("one", 8761), ("two", 443), ("::1", 9)]);
        assert!(!format!("{list:?}").contains("p@ss"));
    }

    #[test]
    fn an_invalid_address_is_reported_by_its_position_and_never_by_its_text() {
        for wrong in ["souk:hunter2@one", "ftp://souk:hunter2@one", "http://souk:hunter2@:80", "http://x/?hunter2"] {
            let mistakes = servers(&format!("http://one,{wrong}")).unwrap_err().join("\n");
            assert!(mistakes.contains("address 2") && !mistakes.contains("hunter2"), "{mistakes}");
        }
        assert!(servers(" , ").unwrap_err().join("").contains("names no registry"));
    }
}
