//! Calls between services, load-balanced over their instances.
//!
//! A call passes, the outermost first: retry, circuit breaker, time limit. Each attempt chooses its instance again. A
//! refused connection counts as a failure of the breaker only when no other instance is reachable; timeouts and 5xx always
//! count.

mod instances;
mod local;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};
use souk_resilience::{
    Breaker, BreakerConfig, NotPermitted, Retry, RetryBudget, RetryBudgetConfig, RetryPolicy, TimeLimit, TimedOut,
};
use souk_values::{Clock, IdGen, Secret, error_chain};

pub use instances::{Chosen, Directory, NoInstance};
pub use local::{LocalService, LocalServices};

use crate::{Problem, auth::ServiceTokens};

/// Time limit of one attempt.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// Time limit for connecting, within that of the attempt.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// A call without a usable response.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The peer is unreachable, too slow, answers 5xx, or its breaker is open.
    #[error("{service} cannot be reached: {cause}")]
    Unavailable {
        /// Name of the peer.
        service: String,
        /// Time after which a retry makes sense.
        retry_after: Duration,
        /// Reason, for logs.
        cause: String,
    },
    /// The peer answered with a problem.
    #[error("{service} refused: {}", .problem.code)]
    Refused {
        /// Name of the peer.
        service: String,
        /// The peer's problem body.
        problem: Box<Problem>,
    },
    /// The peer's response breaks its contract.
    #[error("{service} sent an unexpected response: {cause}")]
    Unexpected {
        /// Name of the peer.
        service: String,
        /// Reason, for logs.
        cause: String,
    },
}

impl CallError {
    /// True when the peer answered 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.status == 404)
    }
}

impl From<CallError> for Problem {
    /// Maps `Unavailable` to 503, and the rest to 500: an `Unexpected` response, a `Refused` that the caller did not handle.
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Unavailable { service, retry_after, .. } => {
                Self::unavailable(service, &error).retry_after(*retry_after)
            }
            CallError::Refused { .. } | CallError::Unexpected { .. } => Self::internal(&error),
        }
    }
}

/// Condition under which a failed request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySafety {
    /// May be sent again even if the first attempt had its effect.
    Idempotent,
    /// May be sent again only if no byte of it was sent.
    OnlyUnsent,
}

/// Factory of clients of the other services. Cloning shares instances and connections.
#[derive(Debug, Clone)]
pub struct Peers {
    directory: Directory,
    local: LocalServices,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    secret: Secret,
    shared: Arc<Mutex<Shared>>,
}

/// Clients by caller and callee, service tokens by caller, and the services of this process.
#[derive(Debug, Default)]
struct Shared {
    served: HashSet<&'static str>,
    clients: HashMap<(&'static str, &'static str), PeerClient>,
    tokens: HashMap<&'static str, ServiceTokens>,
}

impl Peers {
    /// Returns a factory for the services of `directory`. `secret` is exchanged at auth for service tokens.
    ///
    /// Errors: the HTTP client cannot be built, which only a broken TLS set-up causes.
    pub fn new(
        directory: Directory,
        secret: Secret,
        clock: Arc<dyn Clock>,
        ids: IdGen,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .pool_idle_timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { directory, local: LocalServices::default(), http, clock, ids, secret, shared: Arc::default() })
    }

    /// Directory of instances, shared with the discovery client.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns the services of this process.
    #[must_use]
    pub fn local(&self) -> &LocalServices {
        &self.local
    }

    /// Returns the client with which `from` calls `to`. Repeated calls share its breaker, retry budget and token.
    #[must_use]
    pub fn client(&self, from: &'static str, to: &'static str) -> PeerClient {
        let auth = self.plain_client(from, "auth");
        let new = || ServiceTokens::new(from, self.secret.clone(), auth, &self.clock);
        let tokens = self.shared.lock().tokens.entry(from).or_insert_with(new).clone();
        PeerClient { tokens: Some(tokens), ..self.plain_client(from, to) }
    }

    /// Returns the same without a service token, for public routes.
    #[must_use]
    pub fn plain_client(&self, from: &'static str, to: &'static str) -> PeerClient {
        self.shared.lock().clients.entry((from, to)).or_insert_with(|| self.new_client(from, to)).clone()
    }

    /// Records that this process serves `service`.
    pub(crate) fn note_served(&self, service: &'static str) {
        self.shared.lock().served.insert(service);
    }

    /// True if this process serves `service`, whose calls then share what the process has once, such as the verifier.
    #[must_use]
    pub fn serves(&self, service: &str) -> bool {
        self.shared.lock().served.contains(service)
    }

    /// Returns the breakers of all calls of `from`.
    pub(crate) fn breakers(&self, from: &str) -> Vec<Arc<Breaker>> {
        let shared = self.shared.lock();
        let own = shared.clients.iter().filter(|((caller, _), _)| *caller == from);
        own.map(|(_, client)| Arc::clone(&client.breaker)).collect()
    }

    fn new_client(&self, from: &'static str, to: &'static str) -> PeerClient {
        let budget = RetryBudget::new(RetryBudgetConfig::default(), Arc::clone(&self.clock));
        PeerClient {
            to,
            directory: self.directory.clone(),
            local: self.local.clone(),
            http: self.http.clone(),
            tokens: None,
            breaker: Breaker::new(from, to, breaker_config(), Arc::clone(&self.clock)),
            retry: Arc::new(Retry::new(from, to, RetryPolicy::default(), budget, self.ids.clone())),
            time_limit: Arc::new(TimeLimit::new(from, to, TIME_LIMIT)),
        }
    }
}

/// Returns the breaker of calls between services: it opens when half of the last 20 calls failed, and half-opens after
/// 2 s.
#[must_use]
pub fn breaker_config() -> BreakerConfig {
    BreakerConfig {
        sliding_window_size: 20,
        minimum_number_of_calls: 10,
        wait_duration_in_open_state: Duration::from_secs(2),
        permitted_number_of_calls_in_half_open_state: 3,
        max_wait_duration_in_half_open_state: Duration::from_secs(10),
        ..BreakerConfig::default()
    }
}

/// Client of one peer. Cloning shares breaker, retry budget and connections.
#[derive(Debug, Clone)]
pub struct PeerClient {
    to: &'static str,
    directory: Directory,
    local: LocalServices,
    http: reqwest::Client,
    tokens: Option<ServiceTokens>,
    breaker: Arc<Breaker>,
    retry: Arc<Retry>,
    time_limit: Arc<TimeLimit>,
}

/// An attempt without a response.
enum AttemptError {
    Denied(NotPermitted),
    /// No byte of the request was sent, and another instance is reachable.
    OtherInstanceLeft(String),
    /// No byte of the request was sent.
    Unsent(String),
    /// The request may have had its effect.
    Lost(String),
}

impl From<TimedOut> for AttemptError {
    fn from(error: TimedOut) -> Self {
        Self::Lost(error.to_string())
    }
}

impl PeerClient {
    /// Sends `GET path` and parses the response.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.send(Method::GET, path, None, RetrySafety::Idempotent).await
    }

    /// Sends `POST path` with `body` and parses the response.
    pub async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        safety: RetrySafety,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unexpected(&error))?;
        self.send(Method::POST, path, Some(body.into()), safety).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<bytes::Bytes>,
        safety: RetrySafety,
    ) -> Result<T, CallError> {
        let token = match &self.tokens {
            Some(tokens) => Some(tokens.get().await?),
            None => None,
        };
        let attempt = |_| self.attempt(&method, path, body.clone(), token.as_deref());
        let is_retryable = |error: &AttemptError| match error {
            AttemptError::Denied(_) => false,
            AttemptError::OtherInstanceLeft(_) | AttemptError::Unsent(_) => true,
            AttemptError::Lost(_) => safety == RetrySafety::Idempotent,
        };
        match self.retry.run(attempt, is_retryable).await {
            Ok((status, body)) => self.parse(status, &body),
            Err(AttemptError::Denied(denied)) => Err(self.unavailable(denied.retry_after, denied.to_string())),
            Err(AttemptError::OtherInstanceLeft(cause) | AttemptError::Unsent(cause) | AttemptError::Lost(cause)) => {
                Err(self.unavailable(Duration::from_secs(1), cause))
            }
        }
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        body: Option<bytes::Bytes>,
        token: Option<&str>,
    ) -> Result<(StatusCode, bytes::Bytes), AttemptError> {
        let permit = self.breaker.acquire().map_err(AttemptError::Denied)?;
        let response = self.time_limit.run(self.exchange(method, path, body, token)).await;
        match response {
            Ok((status, body)) if status.is_server_error() => {
                permit.failure(status);
                Err(AttemptError::Lost(format!("{status}: {}", String::from_utf8_lossy(&body))))
            }
            Ok(response) => {
                permit.success();
                Ok(response)
            }
            Err(error) => {
                match &error {
                    AttemptError::Unsent(cause) | AttemptError::Lost(cause) => permit.failure(cause),
                    AttemptError::OtherInstanceLeft(_) | AttemptError::Denied(_) => permit.ignore(),
                }
                Err(error)
            }
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<bytes::Bytes>,
        token: Option<&str>,
    ) -> Result<(StatusCode, bytes::Bytes), AttemptError> {
        let instance = self.directory.choose(self.to).map_err(|error| AttemptError::Unsent(error.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok()) {
            headers.insert(header::AUTHORIZATION, token);
        }
        if let Some(traceparent) = souk_bus::trace::current().and_then(|trace| HeaderValue::try_from(trace).ok()) {
            headers.insert("traceparent", traceparent);
        }
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = body.unwrap_or_default();
        if let Some(service) = self.local.at(instance.base()) {
            return exchange_in_process(service, method, path, headers, body).await;
        }
        let request = self.http.request(method.clone(), format!("{}{path}", instance.base())).headers(headers);
        let sent = request.body(body).send().await;
        let response = sent.map_err(|error| self.no_response(&instance, &error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| AttemptError::Lost(error_chain(&error)))?;
        Ok((status, body))
    }

    fn no_response(&self, instance: &Chosen, error: &reqwest::Error) -> AttemptError {
        if !error.is_connect() {
            return AttemptError::Lost(error_chain(error));
        }
        instance.mark_unreachable();
        let is_other_left = self.directory.has_reachable(self.to);
        if is_other_left {
            AttemptError::OtherInstanceLeft(error_chain(error))
        } else {
            AttemptError::Unsent(error_chain(error))
        }
    }

    fn parse<T: DeserializeOwned>(&self, status: StatusCode, body: &[u8]) -> Result<T, CallError> {
        if status.is_success() {
            // An empty body parses as `null`, for callers that expect `()`.
            let body = if body.is_empty() { b"null" } else { body };
            return serde_json::from_slice(body).map_err(|error| self.unexpected(&error));
        }
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Err(CallError::Refused { service: self.to.to_owned(), problem: Box::new(problem) }),
            Err(_) => Err(self.unexpected(&status)),
        }
    }

    fn unexpected(&self, cause: &dyn std::fmt::Display) -> CallError {
        CallError::Unexpected { service: self.to.to_owned(), cause: cause.to_string() }
    }

    fn unavailable(&self, retry_after: Duration, cause: String) -> CallError {
        CallError::Unavailable { service: self.to.to_owned(), retry_after, cause }
    }
}

async fn exchange_in_process(
    service: LocalService,
    method: &Method,
    path: &str,
    headers: HeaderMap,
    body: bytes::Bytes,
) -> Result<(StatusCode, bytes::Bytes), AttemptError> {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().map_err(|error| AttemptError::Unsent(format!("{path}: {error}")))?;
    *request.headers_mut() = headers;
    let response = service.send(request).await.map_err(|error| AttemptError::Lost(error_chain(&error)))?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| AttemptError::Lost(error_chain(&error)))?;
    Ok((parts.status, body.to_bytes()))
}
