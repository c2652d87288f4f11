//! One request with a service: the breaker around it, the time it may take, and the one repetition that
//! does no harm.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderMap, Method, Response, uri::PathAndQuery};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error;
use souk_resilience::{Breaker, NotPermitted};

use crate::{
    error::Refusal,
    route::Route,
    upload::Upload,
    upstreams::{Instance, Upstreams, chain},
};

/// How often another instance is looked for, when one cannot be reached.
const DRAWS: usize = 4;

/// A request as the service gets it.
pub(crate) struct Outgoing {
    pub method: Method,
    pub path: PathAndQuery,
    pub headers: HeaderMap,
    pub body: Upload,
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// A pause of the client within its body.
    pub pause: Duration,
    /// From the end of the request to the head of the answer.
    pub response: Option<Duration>,
}

enum Failure {
    /// No byte was sent.
    Unsent(String),
    /// A connection that was kept had been closed on the other side.
    Stale(String),
    Other(Refusal),
}

/// Sends `request` along `route`, unless `breaker` denies it. Answers the head of the service's answer.
pub(crate) async fn exchange(
    upstreams: &Upstreams,
    breaker: &Arc<Breaker>,
    route: &Route,
    request: Outgoing,
    pause: Duration,
) -> Result<(Response<Incoming>, Instance), Refusal> {
    let permit = breaker.acquire().map_err(|NotPermitted { retry_after, .. }| Refusal::CircuitOpen {
        service: route.target.name().to_owned(),
        retry_after,
    })?;
    let limits = Limits { pause, response: route.response_timeout };
    let answer = send(upstreams, route, request, limits).await;
    match &answer {
        Ok(_) => permit.success(),
        Err(refusal) if refusal.blames_service() => permit.failure(),
        Err(_) => permit.ignore(),
    }
    answer
}

async fn send(
    upstreams: &Upstreams,
    route: &Route,
    request: Outgoing,
    limits: Limits,
) -> Result<(Response<Incoming>, Instance), Refusal> {
    let Outgoing { method, path, headers, body } = request;
    let choose = || upstreams.choose(&route.target).map_err(|error| Refusal::NoInstance(error.0));
    let bad_gateway = |cause| Refusal::BadGateway { service: route.target.name().to_owned(), cause };
    let first = choose()?;
    let sent = upstreams.send(&first, method.clone(), path.clone(), headers.clone(), body.clone());
    let (cause, other) = match answer_of(sent, &first, &body, limits, route).await {
        Ok(response) => return Ok((response, first)),
        Err(Failure::Other(refusal)) => return Err(refusal),
        Err(Failure::Stale(cause)) if body.is_empty() && (method == Method::GET || method == Method::HEAD) => {
            (cause, Some(choose()?))
        }
        Err(Failure::Unsent(cause)) if !body.has_begun() => {
            let other = (0..DRAWS).filter_map(|_| choose().ok()).find(|other| !other.is_same_as(&first));
            (cause, other)
        }
        Err(Failure::Unsent(cause) | Failure::Stale(cause)) => return Err(bad_gateway(cause)),
    };
    let Some(other) = other else { return Err(bad_gateway(cause)) };
    drop(first);
    tracing::debug!(service = "gateway", route.id, error = cause, "a request is sent once more");
    let sent = upstreams.send(&other, method, path, headers, body.clone());
    match answer_of(sent, &other, &body, limits, route).await {
        Ok(response) => Ok((response, other)),
        Err(Failure::Other(refusal)) => Err(refusal),
        Err(Failure::Unsent(cause) | Failure::Stale(cause)) => Err(bad_gateway(cause)),
    }
}

async fn answer_of(
    sent: impl Future<Output = Result<Response<Incoming>, Error>>,
    instance: &Instance,
    body: &Upload,
    limits: Limits,
    route: &Route,
) -> Result<Response<Incoming>, Failure> {
    let service = || route.target.name().to_owned();
    let response = match in_time(sent, body, limits, &service).await.map_err(Failure::Other)? {
        Ok(response) => response,
        Err(error) => {
            if error.is_connect() {
                instance.cannot_be_reached();
            }
            return Err(match body.fault() {
                Some(fault) => Failure::Other(fault),
                None => failure(&error, &service),
            });
        }
    };
    if response.status().is_informational() {
        let cause = format!("it answered {} to a request that asked for no such thing", response.status());
        return Err(Failure::Other(Refusal::BadGateway { service: service(), cause }));
    }
    Ok(response)
}

/// Waits for the head of the answer: while the client is sending, as long as it goes on; then as long
/// as the service may take.
async fn in_time(
    sent: impl Future<Output = Result<Response<Incoming>, Error>>,
    body: &Upload,
    limits: Limits,
    service: &impl Fn() -> String,
) -> Result<Result<Response<Incoming>, Error>, Refusal> {
    let mut sent = pin!(sent);
    let begun = Instant::now();
    loop {
        let Some(limit) = (if body.is_done() { limits.response } else { Some(limits.pause) }) else {
            // No limit once all is sent; while it is being sent one is always there.
            return Ok(sent.await);
        };
        let stood = body.stands_since().unwrap_or_else(|| begun.elapsed());
        let Some(left) = limit.checked_sub(stood).filter(|left| !left.is_zero()) else {
            return Err(if body.waits_for_client() {
                Refusal::ClientTooSlow
            } else {
                Refusal::Timeout { service: service() }
            });
        };
        if let Ok(answer) = tokio::time::timeout(left, &mut sent).await {
            return Ok(answer);
        }
    }
}

fn failure(error: &Error, service: &impl Fn() -> String) -> Failure {
    if error.is_connect() {
        return Failure::Unsent(chain(error));
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
    if is_closed {
        Failure::Stale(chain(error))
    } else {
        Failure::Other(Refusal::BadGateway { service: service(), cause: chain(error) })
    }
}
