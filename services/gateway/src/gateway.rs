//! The data path: one request looked at, routed, let in, sent on, and measured.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version, header, request};
use hyper::body::{Body, Incoming};
use metrics::Gauge;
use souk_kit::{
    Problem,
    auth::{Refused, Role, Verifier},
};
use souk_resilience::Breaker;
use souk_values::IdGen;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    answer::{Answer, AnswerBody, Content, pass},
    conversation::{Answering, Conversation},
    error::Refusal,
    exchange::{Outgoing, exchange},
    files::Files,
    headers::{self, Sender},
    metrics::RouteSeries,
    raw_path,
    route::Route,
    routes, trace,
    upload::Upload,
    upstreams::Upstreams,
};

/// Everything that answers requests.
pub(crate) struct Gateway {
    pub table: Vec<Line>,
    pub upstreams: Upstreams,
    pub verifier: Verifier,
    pub ids: IdGen,
    pub own: axum::Router,
    pub files: Files,
    pub has_test_clock: bool,
    pub max_uri_bytes: usize,
    pub request_body_timeout: Duration,
    pub active: Gauge,
    pub own_series: RouteSeries,
    pub file_series: RouteSeries,
    pub refused_series: RouteSeries,
    pub stop: CancellationToken,
}

/// A route with what it gathers while it runs.
pub(crate) struct Line {
    pub route: Route,
    pub breaker: Arc<Breaker>,
    pub series: RouteSeries,
}

/// Who answers a request.
enum Way<'g> {
    Service(&'g Line),
    Own,
    Files,
}

impl Gateway {
    /// Answers one request of a client.
    pub async fn serve(
        &self,
        mut request: Request<Incoming>,
        sender: &Sender,
        conversation: &Arc<Conversation>,
    ) -> Response<AnswerBody> {
        let answering = Answering::begin(conversation, &self.active);
        let started = Instant::now();
        let method = request.method().clone();
        let has_body = !request.body().is_end_stream();
        let trace = trace::carry_on(request.headers_mut(), &self.ids);
        let (series, answer) = match self.way(&request, conversation) {
            Err(refusal) => (&self.refused_series, Err(refusal)),
            Ok(Way::Service(line)) => (&line.series, self.pass_on(line, request, sender).await),
            Ok(Way::Own) => (&self.own_series, Ok(self.answer_itself(request).await)),
            Ok(Way::Files) => (&self.file_series, self.files.find(request.uri().path(), &method)),
        };
        let answer = answer.unwrap_or_else(|refusal| {
            if has_body {
                conversation.linger();
            }
            refuse(refusal, series.route(), trace::id_of(&trace))
        });
        let (took, status) = (started.elapsed(), answer.status());
        series.record(&method, status, took);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(service = "gateway", http.method = %method, http.route = series.route(),
            http.status = status.as_u16(), duration_ms, trace.id = trace::id_of(&trace), "served");
        answer.map(|content| AnswerBody::new(content, answering))
    }

    /// Refuses what is not well made, then finds who answers.
    fn way(&self, request: &Request<Incoming>, conversation: &Conversation) -> Result<Way<'_>, Refusal> {
        let (method, uri) = (request.method(), request.uri());
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Err(Refusal::MethodNotAllowed);
        }
        if uri.path_and_query().is_some_and(|asked| asked.as_str().len() > self.max_uri_bytes) {
            return Err(Refusal::UriTooLong);
        }
        check_framing(request, conversation)?;
        let path = uri.path();
        raw_path::check(path).map_err(Refusal::PathInvalid)?;
        if routes::is_own(path, self.has_test_clock) {
            return Ok(Way::Own);
        }
        if let Some(line) = self.table.iter().find(|line| line.route.matches(method, path)) {
            return Ok(Way::Service(line));
        }
        let is_of_files = path != "/api" && !path.starts_with("/api/") && !raw_path::is_internal(path);
        if !is_of_files {
            return Err(Refusal::NoRoute);
        }
        if matches!(*method, Method::GET | Method::HEAD) { Ok(Way::Files) } else { Err(Refusal::NoRoute) }
    }

    async fn pass_on(&self, line: &Line, request: Request<Incoming>, sender: &Sender) -> Result<Answer, Refusal> {
        let route = &line.route;
        let (request::Parts { method, uri, mut headers, .. }, incoming) = request.into_parts();
        self.let_in(route, &method, &uri, &headers).await?;
        let body = Upload::new(incoming, route.max_body)?;
        let path = uri.path_and_query().and_then(|asked| route.rewrite(asked)).ok_or(Refusal::NoRoute)?;
        let host = asked_host(&uri, &headers).ok_or(Refusal::RequestInvalid("The request has no Host."))?;
        headers::to_service(&mut headers, sender, host);
        let outgoing = Outgoing { method, path, headers, body };
        let (response, instance) =
            exchange(&self.upstreams, &line.breaker, route, outgoing, self.request_body_timeout).await?;
        Ok(pass(response, instance.chosen, &self.stop))
    }

    /// A token must be good if there is one, and must be there unless the request is public. What its
    /// owner may do is for the service to say.
    async fn let_in(&self, route: &Route, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let is_public = || route.is_public(method, uri.path());
        let token = match (given.next(), given.next()) {
            (None, _) => return if is_public() { Ok(()) } else { Err(Refusal::TokenMissing) },
            (Some(value), None) => bearer(value).ok_or(Refusal::Token(Refused::Invalid))?,
            (Some(_), Some(_)) => return Err(Refusal::Token(Refused::Invalid)),
        };
        match self.verifier.verify(token).await {
            Ok(claims) if claims.role == Role::Service => Err(Refusal::NotForServices),
            Ok(_) => Ok(()),
            // Nothing rests on the token: browsing goes on while auth is away, and a browser that comes back
            // sends its old one with everything, refreshing and signing out included.
            Err(Refused::KeysUnavailable(_) | Refused::Expired) if is_public() => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn answer_itself(&self, request: Request<Incoming>) -> Answer {
        let request = request.map(axum::body::Body::new);
        let response = self.own.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        response.map(Content::Own)
    }
}

/// Refuses what two servers in a row could understand in two ways.
fn check_framing(request: &Request<Incoming>, conversation: &Conversation) -> Result<(), Refusal> {
    let headers = request.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(Refusal::RequestInvalid("GET and HEAD are not taken with a chunked body."));
        }
        if !conversation.is_surely_without_length() {
            return Err(Refusal::RequestInvalid("A request has Content-Length or Transfer-Encoding, not both."));
        }
        if headers.get_all(header::TRANSFER_ENCODING).iter().count() > 1 {
            return Err(Refusal::RequestInvalid("A request has one Transfer-Encoding at most."));
        }
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(Refusal::RequestInvalid("A request has one Host.")),
        (None, None) if request.version() == Version::HTTP_11 => Err(Refusal::RequestInvalid("A request has a Host.")),
        _ => Ok(()),
    }
}

/// The host that the client asked for: of an absolute address, or as it says.
fn asked_host(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        // HTTP/1.0 asks for no host.
        None => Some(headers.get(header::HOST).cloned().unwrap_or(HeaderValue::from_static("localhost"))),
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The answer to a request that was refused; what is not the client's doing is logged here, once.
fn refuse(refusal: Refusal, route: &str, trace: &str) -> Answer {
    if refusal.blames_service() || matches!(refusal, Refusal::NoInstance(_)) {
        tracing::warn!(service = "gateway", http.route = route, trace.id = trace, error = %refusal,
            "a request could not be passed on");
    }
    let closes = matches!(refusal, Refusal::RequestInvalid(_) | Refusal::BodyTooLarge(_) | Refusal::ClientTooSlow);
    let mut response = Problem::from(refusal).into_response();
    if closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(Content::Own)
}
