//! The path of a request: validated, routed, authenticated, forwarded, and measured.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, Version, header, request};
use hyper::body::{Body, Incoming};
use metrics::Gauge;
use souk_kit::{
    Problem,
    auth::{Claims, Refused, Role, Verifier},
    traces::{Sampling, continue_trace},
};
use souk_resilience::Breaker;
use souk_values::{Clock, IdGen, UserId, error_chain};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    compression::{Compression, Incomplete, Wanted},
    connection_state::{ActiveRequest, ConnectionState},
    error::GatewayError,
    files::Files,
    forward::{UpstreamRequest, forward},
    headers::{self, ClientAddress},
    limits::{Exceeded, Limits, Quota, RateClass},
    metrics::RouteSeries,
    networks::Networks,
    predicates::{Draws, RequestView},
    raw_path,
    response::{ConnectionBody, GatewayResponse, ResponseBody, pass_through, require_tls},
    route::Route,
    routes,
    upload::Upload,
    upstreams::Upstreams,
};

pub(crate) struct Proxy {
    pub table: Vec<RouteEntry>,
    pub upstreams: Upstreams,
    pub verifier: Verifier,
    pub ids: IdGen,
    pub own: axum::Router,
    pub files: Files,
    pub compression: Compression,
    /// `None` if limits are switched off.
    pub limits: Option<Limits>,
    pub trusted_proxies: Networks,
    pub clock: Arc<dyn Clock>,
    /// True if customers reach the shop by TLS.
    pub has_tls: bool,
    pub has_test_clock: bool,
    pub max_uri_bytes: usize,
    pub request_body_timeout: Duration,
    pub active: Gauge,
    pub own_series: RouteSeries,
    pub file_series: RouteSeries,
    pub rejected_series: RouteSeries,
    pub stop: CancellationToken,
}
pub(crate) struct RouteEntry {
    pub route: Route,
    pub breaker: Arc<Breaker>,
    pub series: RouteSeries,
}

/// The component that answers a request.
enum Destination<'p> {
    Upstream(&'p RouteEntry),
    Own,
    Files,
}

impl Proxy {
    pub async fn serve(
        &self,
        mut request: Request<Incoming>,
        client: &ClientAddress,
        connection: &Arc<ConnectionState>,
    ) -> Response<ConnectionBody> {
        let active = ActiveRequest::begin(connection, &self.active);
        let started = Instant::now();
        let method = request.method().clone();
        let has_body = !request.body().is_end_stream();
        let trace = continue_trace(request.headers_mut(), &self.ids, Sampling::OfThisProcess);
        let mut quota = None;
        let destination = self.destination(&request, client, connection);
        let is_forwarded = matches!(destination, Ok(Destination::Upstream(_)));
        let (series, result) = match destination {
            Err(error) => (&self.rejected_series, Err(error)),
            Ok(Destination::Upstream(entry)) => (&entry.series, self.forward(entry, request, client, &mut quota).await),
            Ok(Destination::Own) => (&self.own_series, self.serve_own(request, client, &mut quota).await),
            Ok(Destination::Files) => {
                let (request::Parts { uri, headers, .. }, _) = request.into_parts();
                (&self.file_series, self.files.response(&uri, &method, &headers).await)
            }
        };
        let mut response = result.unwrap_or_else(|error| {
            if has_body {
                connection.set_lingering();
            }
            error_response(error, series.route(), trace.trace_id())
        });
        if let Some(quota) = quota {
            quota.write(response.headers_mut());
        }
        if self.has_tls {
            require_tls(response.headers_mut());
        }
        let duration = started.elapsed();
        let status = response.status();
        series.record(&method, status, duration);
        // Files and probes are in no trace.
        if is_forwarded {
            trace.end("gateway", (&method, series.route()), status, duration);
        }
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(service = "gateway", http.method = %method, http.route = series.route(),
            http.status = status.as_u16(), duration_ms, trace.id = trace.trace_id(), "served");
        response.map(|body| ConnectionBody { body, _request: active })
    }

    /// Validates a request and finds its destination.
    fn destination(
        &self,
        request: &Request<Incoming>,
        client: &ClientAddress,
        connection: &ConnectionState,
    ) -> Result<Destination<'_>, GatewayError> {
        let method = request.method();
        let uri = request.uri();
        if matches!(*method, Method::CONNECT | Method::TRACE) {
            return Err(GatewayError::MethodNotAllowed);
        }
        if uri.path_and_query().is_some_and(|requested| requested.as_str().len() > self.max_uri_bytes) {
            return Err(GatewayError::UriTooLong);
        }
        check_framing(request, connection)?;
        let path = uri.path();
        raw_path::check(path).map_err(GatewayError::PathInvalid)?;
        if routes::is_own(path, self.has_test_clock) {
            return Ok(Destination::Own);
        }
        if let Some(entry) = self.entry(method, uri, request.headers(), client) {
            return Ok(Destination::Upstream(entry));
        }
        let is_file = path != "/api" && !path.starts_with("/api/") && !raw_path::is_internal(path);
        if is_file && matches!(*method, Method::GET | Method::HEAD) {
            Ok(Destination::Files)
        } else {
            Err(GatewayError::NoRoute)
        }
    }

    /// Returns the first route that matches.
    pub fn entry(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        client: &ClientAddress,
    ) -> Option<&RouteEntry> {
        let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let request = RequestView {
            method,
            path: uri.path(),
            query: uri.query(),
            host: uri.authority().map(http::uri::Authority::as_str).or_else(host),
            headers,
            from: client.of_request(headers, &self.trusted_proxies),
            clock: &*self.clock,
            draws: Draws::new(&self.ids),
        };
        self.table.iter().find(|entry| entry.route.matches(&request))
    }

    async fn forward(
        &self,
        entry: &RouteEntry,
        request: Request<Incoming>,
        client: &ClientAddress,
        quota: &mut Option<Quota>,
    ) -> Result<GatewayResponse, GatewayError> {
        let route = &entry.route;
        let wanted = Wanted::by(&request);
        let (request::Parts { method, uri, mut headers, .. }, incoming) = request.into_parts();
        let caller = self.authenticate(route, &method, &uri, &headers).await;
        // Also of a request that is refused: invalid tokens have a price too.
        let user = caller.as_ref().ok().and_then(|claims| claims.as_ref()?.user_id());
        let from = client.of_request(&headers, &self.trusted_proxies);
        self.limit(route.rate_class, from, user, quota).await?;
        caller?;
        if let Some(redirect) = &route.filters.redirect {
            return Ok(redirect.response().map(ResponseBody::Own));
        }
        if route.filters.is_header_too_large(&headers) {
            return Err(GatewayError::HeadersTooLarge);
        }
        let body = Upload::new(incoming, route.max_body)?;
        let host =
            requested_host(&uri, &headers).ok_or(GatewayError::RequestInvalid("The request has no valid host."))?;
        headers::prepare_for_upstream(&mut headers, client, host);
        let fallback = route.filters.breaker.as_ref().and_then(|filter| filter.fallback.as_ref());
        let kept = fallback.map(|path| (path, method.clone(), headers.clone()));
        let response = match self.send(entry, (method, &uri, headers, body)).await {
            Ok(response) => response,
            Err(error) if error.is_of_target() => match kept {
                Some((path, method, headers)) => return self.fall_back(path, method, headers, client).await,
                None => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let Some(wanted) = wanted else { return Ok(response) };
        let service = || route.target.name().to_owned();
        self.compression.apply(wanted, response, route.response_timeout).await.map_err(|error| match error {
            Incomplete::Timeout => GatewayError::Timeout { service: service() },
            Incomplete::Broken(cause) => GatewayError::BadGateway { service: service(), cause: error_chain(&*cause) },
        })
    }

    /// Sends a request, whose headers are prepared, to the target of a route.
    pub async fn send(
        &self,
        entry: &RouteEntry,
        (method, uri, mut headers, body): (Method, &Uri, HeaderMap, Upload),
    ) -> Result<GatewayResponse, GatewayError> {
        let route = &entry.route;
        let variables = route.variables(uri.path());
        let rewrite = |requested| route.filters.rewrite(requested, &variables);
        let path = uri.path_and_query().and_then(rewrite).ok_or(GatewayError::NoRoute)?;
        route.filters.change_request(&mut headers, &variables);
        if !route.filters.keeps_host {
            headers.remove(header::HOST);
        }
        let request = UpstreamRequest { method, path, headers, body };
        let (response, instance) =
            forward(&self.upstreams, &entry.breaker, route, request, self.request_body_timeout).await?;
        let mut response = pass_through(response, instance.chosen, &self.stop);
        route.filters.change_response(&mut response);
        Ok(response)
    }

    /// Takes the request from its buckets, and sets `quota`. Errors: `RateLimited`.
    async fn limit(
        &self,
        class: RateClass,
        from: IpAddr,
        user: Option<UserId>,
        quota: &mut Option<Quota>,
    ) -> Result<(), GatewayError> {
        let Some(limits) = &self.limits else { return Ok(()) };
        match limits.take(class, from, user).await {
            Ok(left) => {
                *quota = left;
                Ok(())
            }
            Err(Exceeded { retry_after, quota: left }) => {
                *quota = Some(left);
                Err(GatewayError::RateLimited { retry_after })
            }
        }
    }

    /// Verifies the access token, and returns its claims; without one, only public requests of the route are allowed. The
    /// services decide what the token's owner may do.
    async fn authenticate(
        &self,
        route: &Route,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Option<Arc<Claims>>, GatewayError> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let is_public = || route.is_public(method, uri.path());
        let token = match (given.next(), given.next()) {
            (None, _) => return if is_public() { Ok(None) } else { Err(GatewayError::TokenMissing) },
            (Some(value), None) => bearer(value).ok_or(GatewayError::Token(Refused::Invalid))?,
            (Some(_), Some(_)) => return Err(GatewayError::Token(Refused::Invalid)),
        };
        match self.verifier.verify(token).await {
            Ok(claims) if claims.role == Role::Service => Err(GatewayError::NotForServices),
            Ok(claims) => Ok(Some(claims)),
            // Public requests do not depend on the token: browsing continues while auth is down, and a browser that
            // returns sends its expired or ended token with everything, refresh and logout included.
            Err(Refused::KeysUnavailable(_) | Refused::Expired | Refused::Ended) if is_public() => Ok(None),
            Err(refused) => Err(refused.into()),
        }
    }

    async fn serve_own(
        &self,
        request: Request<Incoming>,
        client: &ClientAddress,
        quota: &mut Option<Quota>,
    ) -> Result<GatewayResponse, GatewayError> {
        let from = client.of_request(request.headers(), &self.trusted_proxies);
        self.limit(routes::rate_class(request.uri().path()), from, None, quota).await?;
        Ok(self.answer_own(request.map(axum::body::Body::new)).await)
    }

    /// Answers from the gateway's own endpoints.
    pub async fn answer_own(&self, request: Request<axum::body::Body>) -> GatewayResponse {
        let response = self.own.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        response.map(ResponseBody::Own)
    }
}

/// Rejects requests whose end or host two servers in a row could interpret differently (request smuggling).
fn check_framing(request: &Request<Incoming>, connection: &ConnectionState) -> Result<(), GatewayError> {
    let headers = request.headers();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(GatewayError::RequestInvalid("GET and HEAD must not have a chunked body."));
        }
        if !connection.is_certainly_without_length() {
            let detail = "A request must not have both Content-Length and Transfer-Encoding.";
            return Err(GatewayError::RequestInvalid(detail));
        }
        if headers.get_all(header::TRANSFER_ENCODING).iter().count() > 1 {
            return Err(GatewayError::RequestInvalid("A request must not have more than one Transfer-Encoding."));
        }
    }
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => Err(GatewayError::RequestInvalid("A request must not have more than one Host.")),
        (None, None) if request.version() == Version::HTTP_11 => {
            Err(GatewayError::RequestInvalid("A request must have a Host."))
        }
        _ => Ok(()),
    }
}

/// Returns the host that the client requested: the authority of an absolute URI, otherwise the `Host` header.
fn requested_host(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        // HTTP/1.0 requires no Host.
        None => Some(headers.get(header::HOST).cloned().unwrap_or(HeaderValue::from_static("localhost"))),
    }
}

fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Returns the response to a failed request, and logs failures that are not the client's.
fn error_response(error: GatewayError, route: &str, trace: &str) -> GatewayResponse {
    if error.is_upstream_failure() || matches!(error, GatewayError::NoInstance(_)) {
        tracing::warn!(service = "gateway", http.route = route, trace.id = trace, error = %error,
            "a request could not be forwarded");
    }
    // The rest of the request is not read, so the connection cannot be used for another one.
    let closes =
        matches!(error, GatewayError::RequestInvalid(_) | GatewayError::BodyTooLarge(_) | GatewayError::ClientTooSlow);
    let mut response = Problem::from(error).into_response();
    if closes {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response.map(ResponseBody::Own)
}
