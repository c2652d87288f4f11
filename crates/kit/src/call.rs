//! Calls between services: which instance, how long, how often, and when not at all.
//!
//! Around one call stand, the outermost first: retry, circuit breaker, time limit. A repeated call
//! picks its instance anew. One replica that cannot be reached is not held against the others: the breaker hears of it
//! only when no other is left.

mod instances;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::{Method, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use souk_resilience::{
    Breaker, BreakerConfig, NotPermitted, Retry, RetryBudget, RetryBudgetConfig, RetryPolicy, TimeLimit, TimedOut,
};
use souk_values::{Clock, IdGen, Secret};

pub use instances::{Chosen, Directory, NoInstance};

use crate::{Problem, auth::ServiceTokens};

/// How long one attempt may take.
const TIME_LIMIT: Duration = Duration::from_secs(3);
/// How long an attempt may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(1);

/// Why a call got no answer that its caller can use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// The peer cannot be reached, is too slow, answers 5xx, or its breaker is open.
    #[error("{service} cannot be reached: {cause}")]
    Unavailable {
        /// Which peer.
        service: String,
        /// When asking again makes sense.
        retry_after: Duration,
        /// Why.
        cause: String,
    },
    /// The peer answered, and refused.
    #[error("{service} refused: {}", .problem.code)]
    Refused {
        /// Which peer.
        service: String,
        /// What it said.
        problem: Box<Problem>,
    },
    /// The peer answered with what it does not promise.
    #[error("{service} answered with something unexpected: {cause}")]
    Unexpected {
        /// Which peer.
        service: String,
        /// What was wrong with it.
        cause: String,
    },
}

impl CallError {
    /// Whether the peer said that there is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.status == 404)
    }
}

impl From<CallError> for Problem {
    /// What a caller of this service is told when a peer it needs failed: 503, or 500 for a broken promise.
    fn from(error: CallError) -> Self {
        match &error {
            CallError::Unavailable { service, retry_after, .. } => {
                Self::unavailable(service, &error).retry_after(*retry_after)
            }
            CallError::Refused { .. } | CallError::Unexpected { .. } => Self::internal(&error),
        }
    }
}

/// Whether an act may be sent again though it may already have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It only reads, or it has its effect once however often it is sent.
    Safe,
    /// Only if no byte of it was sent.
    OnlyUnsent,
}

/// The other services. Cloning shares instances and connections.
#[derive(Debug, Clone)]
pub struct Peers {
    directory: Directory,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    secret: Secret,
    made: Arc<Mutex<Made>>,
}

/// What is made once for each pair of services, however often it is asked for.
#[derive(Debug, Default)]
struct Made {
    clients: HashMap<(&'static str, &'static str), PeerClient>,
    tokens: HashMap<&'static str, ServiceTokens>,
}

impl Peers {
    /// The services of `directory`. `secret` is what auth gives service tokens for.
    ///
    /// Errors: the HTTP client cannot be made, which only a broken TLS set-up causes.
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
        Ok(Self { directory, http, clock, ids, secret, made: Arc::default() })
    }

    /// Where instances are.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The client with which `from` calls `to`; all who ask share its breaker, budget and token.
    #[must_use]
    pub fn client(&self, from: &'static str, to: &'static str) -> PeerClient {
        let auth = self.plain_client(from, "auth");
        let new = || ServiceTokens::new(from, self.secret.clone(), auth, &self.clock);
        let tokens = self.made().tokens.entry(from).or_insert_with(new).clone();
        PeerClient { tokens: Some(tokens), ..self.plain_client(from, to) }
    }

    /// The same without a service token, for what is public.
    #[must_use]
    pub fn plain_client(&self, from: &'static str, to: &'static str) -> PeerClient {
        self.made().clients.entry((from, to)).or_insert_with(|| self.make_client(from, to)).clone()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        // Making a client cannot leave the maps half changed, so poison means nothing here.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_client(&self, from: &'static str, to: &'static str) -> PeerClient {
        let budget = RetryBudget::new(RetryBudgetConfig::default(), Arc::clone(&self.clock));
        PeerClient {
            to,
            directory: self.directory.clone(),
            http: self.http.clone(),
            tokens: None,
            breaker: Breaker::new(from, to, breaker_config(), Arc::clone(&self.clock)),
            retry: Arc::new(Retry::new(from, to, RetryPolicy::default(), budget, self.ids.clone())),
            time_limit: Arc::new(TimeLimit::new(from, to, TIME_LIMIT)),
        }
    }
}

/// Opens when half of the last twenty calls failed, and tries again after two seconds.
fn breaker_config() -> BreakerConfig {
    BreakerConfig {
        sliding_window_size: 20,
        minimum_number_of_calls: 10,
        wait_duration_in_open_state: Duration::from_secs(2),
        permitted_number_of_calls_in_half_open_state: 3,
        max_wait_duration_in_half_open_state: Duration::from_secs(10),
        ..BreakerConfig::default()
    }
}

/// Calls one peer. Cloning shares breaker, budget and connections.
#[derive(Debug, Clone)]
pub struct PeerClient {
    to: &'static str,
    directory: Directory,
    http: reqwest::Client,
    tokens: Option<ServiceTokens>,
    breaker: Arc<Breaker>,
    retry: Arc<Retry>,
    time_limit: Arc<TimeLimit>,
}

/// How one attempt ended, if not with an answer.
enum Attempt {
    Denied(NotPermitted),
    /// No byte of the request was sent, and another instance is left to try.
    Elsewhere(String),
    /// No byte of the request was sent.
    Unsent(String),
    /// It may have had its effect.
    Lost(String),
}

impl From<TimedOut> for Attempt {
    fn from(error: TimedOut) -> Self {
        Self::Lost(error.to_string())
    }
}

impl PeerClient {
    /// Reads `path`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.send(Method::GET, path, None, Repeat::Safe).await
    }

    /// Posts `body` to `path`.
    pub async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        repeat: Repeat,
    ) -> Result<T, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unexpected(&error))?;
        self.send(Method::POST, path, Some(body.into()), repeat).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<bytes::Bytes>,
        repeat: Repeat,
    ) -> Result<T, CallError> {
        let token = match &self.tokens {
            Some(tokens) => Some(tokens.get().await?),
            None => None,
        };
        let attempt = |_| self.attempt(&method, path, body.clone(), token.as_deref());
        let is_retryable = |error: &Attempt| match error {
            Attempt::Denied(_) => false,
            Attempt::Elsewhere(_) | Attempt::Unsent(_) => true,
            Attempt::Lost(_) => repeat == Repeat::Safe,
        };
        match self.retry.run(attempt, is_retryable).await {
            Ok((status, body)) => self.read(status, &body),
            Err(Attempt::Denied(denied)) => Err(self.unavailable(denied.retry_after, denied.to_string())),
            Err(Attempt::Elsewhere(cause) | Attempt::Unsent(cause) | Attempt::Lost(cause)) => {
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
    ) -> Result<(StatusCode, bytes::Bytes), Attempt> {
        let permit = self.breaker.acquire().map_err(Attempt::Denied)?;
        let answer = self.time_limit.run(self.exchange(method, path, body, token)).await;
        match answer {
            Ok((status, body)) if status.is_server_error() => {
                permit.failure();
                Err(Attempt::Lost(format!("{status}: {}", String::from_utf8_lossy(&body))))
            }
            Ok(answer) => {
                permit.success();
                Ok(answer)
            }
            Err(error @ Attempt::Elsewhere(_)) => {
                permit.ignore();
                Err(error)
            }
            Err(error) => {
                permit.failure();
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
    ) -> Result<(StatusCode, bytes::Bytes), Attempt> {
        let instance = self.directory.choose(self.to).map_err(|error| Attempt::Unsent(error.to_string()))?;
        let url = format!("{}{path}", instance.base());
        let mut request = self.http.request(method.clone(), url).header(header::ACCEPT, "application/json");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(traceparent) = souk_bus::trace::current() {
            request = request.header("traceparent", traceparent);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let response = request.send().await.map_err(|error| self.unanswered(&instance, &error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| Attempt::Lost(chain(&error)))?;
        Ok((status, body))
    }

    fn unanswered(&self, instance: &Chosen, error: &reqwest::Error) -> Attempt {
        if !error.is_connect() {
            return Attempt::Lost(chain(error));
        }
        instance.cannot_be_reached();
        let is_other_left = self.directory.has_reachable(self.to);
        if is_other_left { Attempt::Elsewhere(chain(error)) } else { Attempt::Unsent(chain(error)) }
    }

    fn read<T: DeserializeOwned>(&self, status: StatusCode, body: &[u8]) -> Result<T, CallError> {
        if status.is_success() {
            // An answer without a body reads as `null`, for callers that expect `()`.
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

/// An error with its causes: reqwest's own words name only the outermost.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
