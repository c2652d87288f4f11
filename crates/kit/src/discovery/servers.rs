//! The registries: one is asked, and the next when it does not answer.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use reqwest::{Method, Response, StatusCode, header};
use souk_values::Secret;
use url::Url;

use crate::{call::chain, credentials};

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// How long one server may take; a whole registry may be long.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// More is no registry.
const LARGEST_BODY: usize = 64 << 20;

/// No registry gave an answer that can be used: what became of each, without passwords.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

/// What a registry answered.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its body.
    pub body: Vec<u8>,
}

/// A request to whichever registry answers.
#[derive(Debug)]
pub struct Request<'r> {
    /// Its method.
    pub method: Method,
    /// Below the base, not encoded yet. An empty one at the end makes a slash there.
    pub path: &'r [&'r str],
    /// Behind the question mark.
    pub query: &'r [(&'r str, &'r str)],
    /// JSON.
    pub body: Option<&'r serde_json::Value>,
}

impl<'r> Request<'r> {
    /// Without query and body.
    pub fn new(method: Method, path: &'r [&'r str]) -> Self {
        Self { method, path, query: &[], body: None }
    }
}

#[derive(Debug)]
struct Server {
    /// Without user and password: it is shown.
    base: Url,
    user: Option<(String, Secret)>,
}

/// All registries. One that answered is asked until it fails.
#[derive(Debug)]
pub struct Servers {
    http: reqwest::Client,
    list: Vec<Server>,
    current: AtomicUsize,
}

impl Servers {
    /// Reads a comma list of addresses. Errors: every one that is none, by its place: it may hold a password.
    pub fn new(urls: &Secret) -> Result<Self, Vec<String>> {
        let texts = urls.expose().split(',').map(str::trim).filter(|text| !text.is_empty());
        let (mut servers, mut mistakes) = (Vec::new(), Vec::new());
        for (place, text) in texts.enumerate() {
            match server(text) {
                Some(server) => servers.push(server),
                None => mistakes.push(format!(
                    "SOUK_DISCOVERY_URL: address {} is not like http://user:password@host:8761/eureka (special \
                     characters in user and password as %40)",
                    place + 1
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
            .map_err(|error| mistakes.push(format!("no HTTP client can be made: {error}")));
        match http {
            Ok(http) if mistakes.is_empty() => Ok(Self { http, list: servers, current: AtomicUsize::new(0) }),
            _ => Err(mistakes),
        }
    }

    /// Which one is asked first now. A change says that another registry was gone over to.
    pub fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// Hosts and ports, the one in use first.
    pub fn places(&self) -> impl Iterator<Item = (&str, u16)> {
        self.in_turn().filter_map(|(_, server)| {
            let (host, port) = (server.base.host_str()?, server.base.port_or_known_default()?);
            Some((host.trim_start_matches('[').trim_end_matches(']'), port))
        })
    }

    /// Asks one after another until `read` takes an answer; otherwise it tells what is wrong with it.
    pub async fn ask<T>(&self, request: &Request<'_>, read: impl Fn(Answer) -> Result<T, String>) -> Result<T, Away> {
        let mut causes = Vec::new();
        for (index, server) in self.in_turn() {
            match self.ask_one(server, request).await.and_then(&read) {
                Ok(answer) => {
                    self.current.store(index, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(cause) => causes.push(format!("{}: {cause}", server.base)),
            }
        }
        Err(Away(causes.join("; ")))
    }

    fn in_turn(&self) -> impl Iterator<Item = (usize, &Server)> {
        self.list.iter().enumerate().cycle().skip(self.current()).take(self.list.len())
    }

    async fn ask_one(&self, server: &Server, request: &Request<'_>) -> Result<Answer, String> {
        let mut url = server.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(request.path);
        }
        // No `Accept-Encoding`: answers are read as they come.
        let mut asked = self.http.request(request.method.clone(), url).header(header::ACCEPT, "application/json");
        if let Some((user, password)) = &server.user {
            asked = asked.basic_auth(user, Some(password.expose()));
        }
        if !request.query.is_empty() {
            asked = asked.query(request.query);
        }
        if let Some(body) = request.body {
            asked = asked.json(body);
        }
        let answer = asked.send().await.map_err(in_words)?;
        let status = answer.status();
        Ok(Answer { status, body: read(answer).await? })
    }
}

/// Takes only what a registry grants.
pub fn successful(answer: Answer) -> Result<Answer, String> {
    if answer.status.is_success() { Ok(answer) } else { Err(unusable(answer.status)) }
}

/// Takes what the registry thinks of the request, rather than that it cannot serve anybody.
pub fn judged(answer: Answer) -> Result<Answer, String> {
    let cannot_serve = matches!(
        answer.status,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    if answer.status.is_client_error() && !cannot_serve { Ok(answer) } else { successful(answer) }
}

/// Takes what a registry thinks of a registration. It knows no 404 there: whoever says so is something else.
pub fn judged_registration(answer: Answer) -> Result<Answer, String> {
    let is_refusal = matches!(
        answer.status,
        StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::INSUFFICIENT_STORAGE
    );
    if is_refusal { Ok(answer) } else { successful(answer) }
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

async fn read(mut answer: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(in_words)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(format!("it answers with more than {} MB", LARGEST_BODY >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn in_words(error: reqwest::Error) -> String {
    chain(&error.without_url())
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
    fn addresses_are_read_and_passwords_are_kept_apart() {
        let list = servers("http://souk:p%40ss@one:8761, https://two/own/path/ ,http://[::1]:9/eureka").unwrap();
        let shown: Vec<&str> = list.list.iter().map(|server| server.base.as_str()).collect();
        assert_eq!(shown, ["http://one:8761/eureka", "https://two/own/path/", "http://[::1]:9/eureka"]);
        let (user, password) = list.list[0].user.as_ref().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("souk", "p@ss"));
        assert_eq!(list.places().collect::<Vec<_>>(), [("one", 8761), ("two", 443), ("::1", 9)]);
        assert!(!format!("{list:?}").contains("p@ss"));
    }

    #[test]
    fn a_wrong_address_is_told_by_its_place_and_never_by_its_text() {
        for wrong in ["souk:hunter2@one", "ftp://souk:hunter2@one", "http://souk:hunter2@:80", "http://x/?hunter2"] {
            let mistakes = servers(&format!("http://one,{wrong}")).unwrap_err().join("\n");
            assert!(mistakes.contains("address 2") && !mistakes.contains("hunter2"), "{mistakes}");
        }
        assert!(servers(" , ").unwrap_err().join("").contains("names no registry"));
    }
}
