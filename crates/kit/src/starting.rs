//! Starting a service whose engines may be away: it listens from the first moment, says that it is not
//! ready and why, and is built again and again until they are there. The routes change under the
//! open listener, so no connection is refused or cut when it is.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::StatusCode};
use souk_values::IdGen;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use utoipa::openapi::OpenApi;

use crate::{
    Deps, Problem, Service, StartError,
    health::{self, Frame},
    serve::{self, Entrance, Running},
};

/// The pause after the first failed attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// When a client that was told to wait may ask again.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Starts the service `name` on `listener`: answers at once, and becomes what `build` makes as soon as
/// the engines that it needs are there. `None` when `stop` was cancelled before.
///
/// Errors: `build` failed for a reason that does not pass by itself; the listener has no address.
pub async fn start_patiently<F>(
    name: &'static str,
    listener: TcpListener,
    deps: &Deps,
    stop: &CancellationToken,
    build: impl FnMut() -> F + Send,
) -> Result<Option<Running>, StartError>
where
    F: Future<Output = Result<Service, StartError>> + Send,
{
    let no_address = |error| StartError::Io(format!("{name} has no address"), error);
    let address = listener.local_addr().map_err(no_address)?;
    let missing = Missing::default();
    let (ending, tasks) = (CancellationToken::new(), TaskTracker::new());
    let entrance = Entrance::with(stand_in(name, &missing, deps));
    serve::listen(name, listener, entrance.app(), &tasks, ending.clone());
    let running = Running::behind(name, address, (ending, tasks), entrance);
    match stop.run_until_cancelled(build_at_last(name, &missing, &deps.ids, build)).await {
        Some(Ok(service)) => {
            // One that listens at an entrance of its own can be replaced.
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

/// What the service waits for.
#[derive(Debug, Clone, Default)]
struct Missing(Arc<Mutex<Option<String>>>);

impl Missing {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers whether that is news.
    fn set(&self, what: String) -> bool {
        let mut missing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = missing.as_ref() != Some(&what);
        *missing = Some(what);
        is_news
    }
}

/// Builds until it succeeds, or fails for a reason that does not pass.
async fn build_at_last<F>(
    name: &'static str,
    missing: &Missing,
    ids: &IdGen,
    mut build: impl FnMut() -> F + Send,
) -> Result<Service, StartError>
where
    F: Future<Output = Result<Service, StartError>> + Send,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match build().await {
            Ok(service) => {
                if missing.get().is_some() {
                    tracing::info!(service = name, "what was waited for is there");
                }
                return Ok(service);
            }
            Err(error) if error.may_pass() => error,
            Err(error) => return Err(error),
        };
        if missing.set(error.to_string()) {
            tracing::warn!(service = name, error = %error, "waiting for the store");
        }
        // Real time: the pace of looking, not a term of the business. Half of it is left to chance, so
        // that replicas do not all come at once.
        tokio::time::sleep(pause / 2 + ids.jitter(pause / 2)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What answers until the service does: the frame's vital routes, and 503 for everything else.
fn stand_in(name: &'static str, missing: &Missing, deps: &Deps) -> Router {
    let missing = missing.clone();
    let is_there = move || -> futures::future::BoxFuture<'static, Result<(), String>> {
        let cause = missing.get().unwrap_or_else(|| "it is being opened".to_owned());
        Box::pin(std::future::ready(Err(cause)))
    };
    let frame = Frame {
        service: name,
        checks: Arc::new(vec![("store", Arc::new(is_there))]),
        transport: Arc::clone(&deps.transport),
        has_bus: true,
        openapi: Arc::new(OpenApi::default()),
    };
    health::vital_routes().with_state(frame).fallback(move || async move {
        let detail = format!("{name} is starting: it waits for its store. Please try again in a moment.");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service.starting", detail).retry_after(ASK_AGAIN)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_news_is_told() {
        let missing = Missing::default();
        assert!(missing.set("a".to_owned()));
        assert!(!missing.set("a".to_owned()));
        assert!(missing.set("b".to_owned()));
    }
}
