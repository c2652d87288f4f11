//! Another server, as this one calls it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use reqwest::{Client, StatusCode, Url, header};
use serde_json::Value;
use souk_eureka::{Applications, InstanceInfo};
use souk_kit::credentials;
use souk_values::{Secret, Timestamp};

use super::{Task, queue::Queue};
use crate::metrics;

const CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// For a batch. The original's 200 ms are too few for a peer that is just busy.
const SEND_LIMIT: Duration = Duration::from_secs(3);
/// For a whole registry.
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// An answer to a batch, with an instance for each item at most.
const MOST_ANSWER: usize = 32 << 20;
/// A whole registry: 50,000 instances of usual size.
const MOST_REGISTRY: usize = 256 << 20;

/// Another server, its queue, and whether it answers.
#[derive(Debug)]
pub struct Peer {
    base: Url,
    credentials: Option<(String, Secret)>,
    http: Client,
    pub(super) queue: Queue,
    pub(super) was_asked: AtomicBool,
    pub(super) answers: AtomicBool,
}

/// Why a peer was not told something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// It answers 503, or not in time.
    #[error("it is busy")]
    Busy,
    /// It cannot be reached.
    #[error("it cannot be reached: {0}")]
    Away(String),
    /// It will not take it.
    #[error("{0}")]
    Refused(String),
}

/// What a peer says of one item of a batch.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u64,
    pub instance: Option<InstanceInfo>,
}

impl Peer {
    /// The server with this base URL, such as `http://user:password@host:8761/eureka`.
    pub fn new(url: &Secret) -> Result<Self, String> {
        let mut base = Url::parse(url.expose()).map_err(|error| format!("it is no URL: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err("it is like http://host:8761/eureka".to_owned());
        }
        let credentials = credentials::take(&mut base).map_err(|error| error.to_string())?;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let http = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        let (queue, was_asked, answers) = (Queue::default(), AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { base, credentials, http, queue, was_asked, answers })
    }

    /// Its base URL, without a password.
    #[must_use]
    pub fn name(&self) -> &str {
        self.base.as_str()
    }

    /// Whether `hostname`, a host or `host:port`, is this one.
    #[must_use]
    pub fn is_at(&self, hostname: &str) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        hostname.eq_ignore_ascii_case(host) || hostname.eq_ignore_ascii_case(&format!("{host}:{port}"))
    }

    /// Lets it be told `task`. Never waits.
    pub fn tell(&self, task: Task) {
        let dropped = self.queue.push(task);
        if dropped > 0 {
            metrics::failed(self.name(), dropped);
        }
    }

    /// Sends a batch whose items are written already. Answers as many replies.
    pub(super) async fn send(&self, items: &[String]) -> Result<Vec<Reply>, CallError> {
        let body = format!("{{\"replicationList\":[{}]}}", items.join(","));
        let request = self
            .http
            .post(format!("{}/peerreplication/batch/", self.name()))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-netflix-discovery-replication", "true")
            .body(body)
            .timeout(SEND_LIMIT);
        let answer = self.call(request, MOST_ANSWER).await?;
        let replies = answer.get("responseList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if replies.len() != items.len() {
            let (told, said) = (items.len(), replies.len());
            return Err(CallError::Refused(format!("it was told {told} things and answered to {said}")));
        }
        Ok(replies.iter().map(reply).collect())
    }

    /// Everything that it knows. What cannot be read of it is left out and logged.
    pub(super) async fn fetch(&self, now: Timestamp) -> Result<Applications, CallError> {
        let answer = self.call(self.http.get(format!("{}/apps/", self.name())).timeout(FETCH_LIMIT), MOST_REGISTRY);
        let read = Applications::read_what_is_readable(&answer.await?, now.millis());
        let (applications, left_out) = read.map_err(|error| {
            tracing::warn!(peer = self.name(), error = %error, "another discovery server's registry cannot be read");
            CallError::Refused(error.0)
        })?;
        for error in left_out {
            tracing::warn!(peer = self.name(), error = %error, "what another discovery server holds cannot be read");
        }
        Ok(applications)
    }

    async fn call(&self, mut request: reqwest::RequestBuilder, most: usize) -> Result<Value, CallError> {
        if let Some((user, password)) = &self.credentials {
            request = request.basic_auth(user, Some(password.expose()));
        }
        let outcome = read(request.header(header::ACCEPT, "application/json"), most).await;
        let answers = matches!(outcome, Ok(_) | Err(CallError::Busy));
        let answered = self.answers.swap(answers, Ordering::Relaxed);
        let is_news = !self.was_asked.swap(true, Ordering::Relaxed) || answered != answers;
        match &outcome {
            Err(error) if is_news => {
                tracing::warn!(peer = self.name(), error = %error, "a call to another discovery server failed");
            }
            Ok(_) if is_news => tracing::info!(peer = self.name(), "another discovery server answers"),
            _ => {}
        }
        outcome
    }
}

async fn read(request: reqwest::RequestBuilder, most: usize) -> Result<Value, CallError> {
    let mut response = request.send().await.map_err(|error| failed(&error))?;
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => return Err(CallError::Busy),
        status if !status.is_success() => return Err(CallError::Refused(format!("it answers {status}"))),
        _ => {}
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > most {
            return Err(CallError::Refused(format!("its answer is larger than {most} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|error| CallError::Refused(format!("its answer is not JSON: {error}")))
}

fn failed(error: &reqwest::Error) -> CallError {
    if error.is_timeout() && !error.is_connect() {
        return CallError::Busy;
    }
    // The innermost cause is what helps; the rest repeats the URL.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    CallError::Away(cause.to_string())
}

fn reply(value: &Value) -> Reply {
    let entity = value.get("responseEntity").filter(|entity| entity.is_object());
    let entity = entity.map(|entity| entity.get("instance").filter(|inner| inner.is_object()).unwrap_or(entity));
    Reply {
        status: value.get("statusCode").and_then(Value::as_u64).unwrap_or(500),
        instance: entity.and_then(|entity| InstanceInfo::from_json(entity, 0).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(url: &str) -> Result<Peer, String> {
        souk_kit::install_crypto();
        Peer::new(&Secret::new(url.to_owned()))
    }

    #[test]
    fn a_password_is_nowhere_shown() {
        let peer = peer("http://us%3Aer:pa%40ss@Host:8761/eureka/").unwrap();
        assert_eq!(peer.name(), "http://host:8761/eureka");
        let (user, password) = peer.credentials.as_ref().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("us:er", "pa@ss"));
        let shown = format!("{peer:?}");
        assert!(!shown.contains("pa@ss") && !shown.contains("pa%40ss"), "{shown}");
        for wrong in ["", "host:8761", "ftp://host/eureka", "http://:pass@/"] {
            let error = super::tests::peer(wrong).unwrap_err();
            assert!(!error.contains("pass"), "{error}");
        }
    }

    #[test]
    fn it_knows_itself() {
        let peer = peer("http://one:8761/eureka").unwrap();
        assert!(peer.is_at("ONE") && peer.is_at("one:8761"));
        assert!(!peer.is_at("one:8762") && !peer.is_at("two") && !peer.is_at(""));
    }
}
