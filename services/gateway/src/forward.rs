//! Sends a request to an upstream: through its breaker, within its time limits, and with the one retry that is safe.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, Method, Response, uri::PathAndQuery};
use souk_resilience::{Breaker, NotPermitted};
use souk_values::error_chain;

use crate::{
    error::GatewayError,
    route::Route,
    upload::Upload,
    upstreams::{Download, SendError, UpstreamInstance, Upstreams},
};

/// Number of draws for a different instance after one was unreachable.
const DRAWS: usize = 4;

/// A request in the form in which an upstream receives it.
pub(crate) struct UpstreamRequest {
    pub method: Method,
    pub path: PathAndQuery,
    pub headers: HeaderMap,
    pub body: Upload,
}

enum Failure {
    /// No connection was made, so nothing was sent.
    Unsent(String),
    /// The upstream closed a pooled connection before it responded.
    Stale(String),
    Other(GatewayError),
}

/// Sends `request` to the target of `route`, unless `breaker` denies it. Returns the head of the response.
///
/// `upload_pause` is the longest pause of the client within its body.
///
/// Errors: a response whose status is a failure on this route is one only if the route has a fallback.
pub(crate) async fn forward(
    upstreams: &Upstreams,
    breaker: &Arc<Breaker>,
    route: &Route,
    request: UpstreamRequest,
    upload_pause: Duration,
) -> Result<(Response<Download>, UpstreamInstance), GatewayError> {
    let permit = breaker.acquire().map_err(|NotPermitted { retry_after, .. }| GatewayError::CircuitOpen {
        service: route.target.name().to_owned(),
        retry_after,
    })?;
    let mut result = send(upstreams, route, request, upload_pause).await;
    let filter = route.filters.breaker.as_ref();
    let status = result.as_ref().ok().map(|(response, _)| response.status());
    if let Some((filter, status)) = filter.zip(status).filter(|(filter, status)| filter.statuses.contains(status)) {
        permit.failure(status);
        if filter.fallback.is_some() {
            result = Err(GatewayError::UnwantedStatus { service: route.target.name().to_owned(), status });
        }
        return result;
    }
    match &result {
        Ok(_) => permit.success(),
        Err(error) if error.is_upstream_failure() => permit.failure(error),
        Err(_) => permit.ignore(),
    }
    result
}

/// Sends a request, and retries it once if that cannot repeat an effect: nothing was sent yet, or a GET or HEAD without
/// a body met a pooled connection that had been closed.
async fn send(
    upstreams: &Upstreams,
    route: &Route,
    request: UpstreamRequest,
    upload_pause: Duration,
) -> Result<(Response<Download>, UpstreamInstance), GatewayError> {
    let UpstreamRequest { method, path, headers, body } = request;
    let choose = || upstreams.choose(&route.target).map_err(|error| GatewayError::NoInstance(error.0));
    let first = choose()?;
    let sent = upstreams.send(&first, method.clone(), path.clone(), headers.clone(), body.clone());
    let (cause, other) = match response_of(sent, &first, &body, upload_pause, route).await {
        Ok(response) => return Ok((response, first)),
        Err(Failure::Other(error)) => return Err(error),
        Err(Failure::Stale(cause)) if body.is_empty() && (method == Method::GET || method == Method::HEAD) => {
            (cause, Some(choose()?))
        }
        Err(Failure::Unsent(cause)) if !body.is_started() => {
            let other = (0..DRAWS).filter_map(|_| choose().ok()).find(|other| !other.is_same_as(&first));
            (cause, other)
        }
        Err(Failure::Unsent(cause) | Failure::Stale(cause)) => return Err(bad_gateway(route, cause)),
    };
    let Some(other) = other else { return Err(bad_gateway(route, cause)) };
    drop(first);
    tracing::debug!(service = "gateway", route.id, error = cause, "a request is retried");
    let sent = upstreams.send(&other, method, path, headers, body.clone());
    match response_of(sent, &other, &body, upload_pause, route).await {
        Ok(response) => Ok((response, other)),
        Err(Failure::Other(error)) => Err(error),
        Err(Failure::Unsent(cause) | Failure::Stale(cause)) => Err(bad_gateway(route, cause)),
    }
}

async fn response_of(
    sent: impl Future<Output = Result<Response<Download>, SendError>>,
    instance: &UpstreamInstance,
    body: &Upload,
    upload_pause: Duration,
    route: &Route,
) -> Result<Response<Download>, Failure> {
    let response = match wait_for_head(sent, body, upload_pause, route).await.map_err(Failure::Other)? {
        Ok(response) => response,
        Err(error) => {
            if error.is_connect() {
                instance.mark_unreachable();
            }
            return Err(match body.error() {
                Some(error) => Failure::Other(error),
                None => failure(&error, route),
            });
        }
    };
    // A 101 would turn this connection into a tunnel, although `Upgrade` is never sent to an upstream.
    if response.status().is_informational() {
        let cause = format!("unexpected status {}", response.status());
        return Err(Failure::Other(bad_gateway(route, cause)));
    }
    Ok(response)
}

/// Waits for the head of the response. While the client is still sending, only its pauses are limited; the time limit
/// of the response starts when the whole request was sent.
async fn wait_for_head(
    sent: impl Future<Output = Result<Response<Download>, SendError>>,
    body: &Upload,
    upload_pause: Duration,
    route: &Route,
) -> Result<Result<Response<Download>, SendError>, GatewayError> {
    let mut sent = pin!(sent);
    let started = Instant::now();
    loop {
        let Some(limit) = (if body.is_done() { route.response_timeout } else { Some(upload_pause) }) else {
            return Ok(sent.await);
        };
        let idle = body.idle_time().unwrap_or_else(|| started.elapsed());
        let Some(left) = limit.checked_sub(idle).filter(|left| !left.is_zero()) else {
            return Err(if body.is_waiting_for_client() {
                GatewayError::ClientTooSlow
            } else {
                GatewayError::Timeout { service: route.target.name().to_owned() }
            });
        };
        if let Ok(result) = tokio::time::timeout(left, &mut sent).await {
            return Ok(result);
        }
    }
}

fn bad_gateway(route: &Route, cause: String) -> GatewayError {
    GatewayError::BadGateway { service: route.target.name().to_owned(), cause }
}

fn failure(error: &SendError, route: &Route) -> Failure {
    if error.is_connect() {
        return Failure::Unsent(error_chain(error));
    }
    let causes = std::iter::successors(Some::<&dyn std::error::Error>(error), |cause| cause.source());
    let is_closed = causes.into_iter().any(|cause| {
        let is_cut = cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed());
        let is_reset = cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
        });
        is_cut || is_reset
    });
    if is_closed { Failure::Stale(error_chain(error)) } else { Failure::Other(bad_gateway(route, error_chain(error))) }
}
