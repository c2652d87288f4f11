//! The client of one peer, with its queue and its reachability.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use reqwest::{Client, StatusCode, Url, header};
use serde_json::Value;
use souk_eureka::{Applications, InstanceInfo};
use souk_kit::{
    credentials,
    http_body::{BodyError, read_at_most},
};
use souk_values::{Secret, Timestamp};

use super::{queue::Queue, task::ReplicationTask};
use crate::metrics;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Time limit of a batch. The original's 200 ms are too short for a peer that is merely busy.
const BATCH_TIMEOUT: Duration = Duration::from_secs(3);
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// Size limit of the response to a batch, which may hold an instance for each item.
const MAX_BATCH_RESPONSE: usize = 32 << 20;
/// Size limit of a full registry: 50,000 instances of usual size.
const MAX_REGISTRY: usize = 256 << 20;

#[derive(Debug)]
pub(crate) struct PeerNode {
    base: Url,
    credentials: Option<(String, Secret)>,
    http: Client,
    pub(super) queue: Queue,
    was_called: AtomicBool,
    is_reachable: AtomicBool,
}

#[derive(Debug, Clone)]
pub(crate) struct PeerSummary {
    /// Base URL without credentials.
    pub url: String,
    /// Result of the latest call; `None` before the first.
    pub is_reachable: Option<bool>,
    pub queued: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// Status 503, or a timeout.
    #[error("it is busy")]
    Busy,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Any other failure, for which a retry makes no sense.
    #[error("{0}")]
    Rejected(String),
}

/// A peer's reply to one item of a batch.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u64,
    pub instance: Option<InstanceInfo>,
}

impl PeerNode {
    /// Parses a base URL such as `http://user:password@host:8761/eureka`.
    pub fn new(url: &Secret) -> Result<Self, String> {
        let mut base = Url::parse(url.expose()).map_err(|error| format!("not a URL: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err("must be a URL such as http://host:8761/eureka".to_owned());
        }
        let credentials = credentials::take(&mut base).map_err(|error| error.to_string())?;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            base,
            credentials,
            http,
            queue: Queue::default(),
            was_called: AtomicBool::new(false),
            is_reachable: AtomicBool::new(false),
        })
    }

    /// Returns the base URL without credentials.
    pub fn name(&self) -> &str {
        self.base.as_str()
    }

    pub fn summary(&self) -> PeerSummary {
        let was_called = self.was_called.load(Ordering::Relaxed);
        PeerSummary {
            url: self.name().to_owned(),
            is_reachable: was_called.then(|| self.is_reachable.load(Ordering::Relaxed)),
            queued: self.queue.len(),
        }
    }

    /// Returns true if `hostname`, a host or `host:port`, names this peer.
    pub fn is_at(&self, hostname: &str) -> bool {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or_default();
        hostname.eq_ignore_ascii_case(host) || hostname.eq_ignore_ascii_case(&format!("{host}:{port}"))
    }

    pub(super) fn queue(&self, task: ReplicationTask) {
        let dropped = self.queue.push(task);
        if dropped > 0 {
            metrics::count_dropped(self.name(), dropped);
        }
    }

    /// Sends a batch of serialized items. Returns one reply for each.
    pub(super) async fn send(&self, items: &[String]) -> Result<Vec<Reply>, CallError> {
        let body = format!("{{\"replicationList\":[{}]}}", items.join(","));
        let request = self
            .http
            .post(format!("{}/peerreplication/batch/", self.name()))
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-netflix-discovery-replication", "true")
            .body(body)
            .timeout(BATCH_TIMEOUT);
        let response = self.call(request, MAX_BATCH_RESPONSE).await?;
        let replies = response.get("responseList").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if replies.len() != items.len() {
            let message = format!("its response has {} replies to {} items", replies.len(), items.len());
            return Err(CallError::Rejected(message));
        }
        Ok(replies.iter().map(reply).collect())
    }

    /// Fetches the full registry. Instances that cannot be read are logged and skipped.
    pub(super) async fn fetch(&self, now: Timestamp) -> Result<Applications, CallError> {
        let request = self.http.get(format!("{}/apps/", self.name())).timeout(FETCH_TIMEOUT);
        let response = self.call(request, MAX_REGISTRY).await?;
        let (applications, skipped) = Applications::from_json(&response, now.millis()).map_err(|error| {
            tracing::warn!(peer = self.name(), error = %error, "another discovery server's registry cannot be read");
            CallError::Rejected(error.0)
        })?;
        for error in skipped {
            tracing::warn!(peer = self.name(), error = %error, "an instance of another discovery server was skipped");
        }
        Ok(applications)
    }

    async fn call(&self, mut request: reqwest::RequestBuilder, max_body: usize) -> Result<Value, CallError> {
        if let Some((user, password)) = &self.credentials {
            request = request.basic_auth(user, Some(password.expose()));
        }
        let result = read(request.header(header::ACCEPT, "application/json"), max_body).await;
        let is_reachable = matches!(result, Ok(_) | Err(CallError::Busy));
        let was_reachable = self.is_reachable.swap(is_reachable, Ordering::Relaxed);
        // Only changes are logged: a peer that stays down is called every 100 ms.
        let has_changed = !self.was_called.swap(true, Ordering::Relaxed) || was_reachable != is_reachable;
        match &result {
            Err(error) if has_changed => {
                tracing::warn!(peer = self.name(), error = %error, "a call to another discovery server failed");
            }
            Ok(_) if has_changed => tracing::info!(peer = self.name(), "another discovery server is reachable"),
            _ => {}
        }
        result
    }
}

async fn read(request: reqwest::RequestBuilder, max_body: usize) -> Result<Value, CallError> {
    let response = request.send().await.map_err(|error| call_error(&error))?;
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => return Err(CallError::Busy),
        status if !status.is_success() => return Err(CallError::Rejected(format!("its response is {status}"))),
        _ => {}
    }
    let body = read_at_most(response, max_body).await.map_err(|error| match error {
        BodyError::TooLarge(limit) => CallError::Rejected(format!("its response is larger than {limit} bytes")),
        BodyError::Broken(error) => call_error(&error),
    })?;
    serde_json::from_slice(&body).map_err(|error| CallError::Rejected(format!("its response is not JSON: {error}")))
}

fn call_error(error: &reqwest::Error) -> CallError {
    if error.is_timeout() && !error.is_connect() {
        return CallError::Busy;
    }
    // Only the innermost cause is informative; the outer ones repeat the URL.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    CallError::Unreachable(cause.to_string())
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

    fn peer(url: &str) -> Result<PeerNode, String> {
        souk_kit::install_crypto();
        PeerNode::new(&Secret::new(url.to_owned()))
    }

    #[test]
    fn a_password_appears_in_no_text() {
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
    fn a_server_recognizes_itself() {
        let peer = peer("http://one:8761/eureka").unwrap();
        assert!(peer.is_at("ONE") && peer.is_at("one:8761"));
        assert!(!peer.is_at("one:8762") && !peer.is_at("two") && !peer.is_at(""));
    }
}
