//! Starts a service whose engines may be down: it listens immediately, reports itself as not ready with the reason,
//! and retries until it can be built. The routes are swapped behind the open listener, so no connection is refused or
//! cut.

use std::{sync::Arc, time::Duration};

use axum::{Router, http::StatusCode};
use bytes::Bytes;
use parking_lot::Mutex;
use souk_values::IdGen;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Deps, Problem, ServiceParts, StartError,
    health::{self, Frame},
    serve::{self, Entrance, Running},
};

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Upper bound of the pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// `Retry-After` of requests to a service that is starting.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Starts the service `name` on `listener`: probes are answered immediately, everything else once `build` succeeds.
/// Returns `None` when `stop` was cancelled before that.
///
/// Errors: `build` failed for a reason that no retry mends; the listener has no address.
pub async fn start_when_ready<F>(
    name: &'static str,
    listener: TcpListener,
    deps: &Deps,
    stop: &CancellationToken,
    build: impl FnMut() -> F + Send,
) -> Result<Option<Running>, StartError>
where
    F: Future<Output = Result<ServiceParts, StartError>> + Send,
{
    let no_address = |error| StartError::Io(format!("{name} has no address"), error);
    let address = listener.local_addr().map_err(no_address)?;
    let failure = LastFailure::default();
    let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
    let entrance = Entrance::at(address).with(stand_in(name, &failure, deps));
    serve::listen(name, listener, entrance.app(), &tasks, ending.clone());
    let running = Running::new(name, address, ending, tasks).behind(entrance);
    match stop.run_until_cancelled(build_with_retries(name, &failure, &deps.ids, build)).await {
        Some(Ok(service)) => {
            // Never refused: this service was started behind an entrance, which can be swapped.
            let _ = running.replace(service, deps);
            Ok(Some(running))
        }
        Some(Err(error)) => {
            running.stop().await;
            Err(error)
        }
        None => {
            running.stop().await;
            Ok(None)
        }
    }
}

/// Reason of the last failed attempt to build; `None` before the first.
#[derive(Debug, Clone, Default)]
struct LastFailure(Arc<Mutex<Option<String>>>);

impl LastFailure {
    fn get(&self) -> Option<String> {
        self.0.lock().clone()
    }

    /// Replaces the reason. Returns true when it differs from the last one, and so is worth a log line.
    fn set(&self, reason: String) -> bool {
        let mut failure = self.0.lock();
        let is_new = failure.as_ref() != Some(&reason);
        *failure = Some(reason);
        is_new
    }
}

/// Retries `build` until it succeeds or fails for a reason that no retry mends.
async fn build_with_retries<F>(
    name: &'static str,
    failure: &LastFailure,
    ids: &IdGen,
    mut build: impl FnMut() -> F + Send,
) -> Result<ServiceParts, StartError>
where
    F: Future<Output = Result<ServiceParts, StartError>> + Send,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match build().await {
            Ok(service) => {
                if failure.get().is_some() {
                    tracing::info!(service = name, "the store is available");
                }
                return Ok(service);
            }
            Err(error) if error.is_transient() => error,
            Err(error) => return Err(error),
        };
        if failure.set(error.to_string()) {
            tracing::warn!(service = name, error = %error, "waiting for the store");
        }
        // Real time: the pace of retries is not business logic. Half of the pause is random, so that replicas
        // that start together do not retry together.
        tokio::time::sleep(pause / 2 + ids.jitter(pause / 2)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Routes of a service that is starting: the probes and metrics, and 503 for everything else.
fn stand_in(name: &'static str, failure: &LastFailure, deps: &Deps) -> Router {
    let failure = failure.clone();
    let check = move || -> futures::future::BoxFuture<'static, Result<(), String>> {
        let cause = failure.get().unwrap_or_else(|| "it is starting".to_owned());
        Box::pin(std::future::ready(Err(cause)))
    };
    let frame = Frame {
        service: name,
        checks: Arc::new(vec![("store", Arc::new(check))]),
        transport: Arc::clone(&deps.transport),
        peers: deps.peers.clone(),
        breakers: Arc::default(),
        has_bus: true,
        openapi: Bytes::new(),
        facts: Arc::default(),
    };
    health::probe_routes().with_state(frame).fallback(move || async move {
        let detail = format!("{name} is starting: it waits for its store. Please try again in a moment.");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service.starting", detail).retry_after(RETRY_AFTER)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_new_only_once() {
        let failure = LastFailure::default();
        assert!(failure.set("a".to_owned()));
        assert!(!failure.set("a".to_owned()));
        assert!(failure.set("b".to_owned()));
    }
}
