//! The W3C trace context of the current task, which events carry from a request to their handlers.

use std::future::Future;

tokio::task_local! {
    static TRACEPARENT: Option<String>;
}

/// Runs `work` with `traceparent` as the trace context of the events that it stamps.
pub async fn within<F: Future>(traceparent: Option<String>, work: F) -> F::Output {
    TRACEPARENT.scope(traceparent, work).await
}

/// Returns the `traceparent` of the current task; `None` outside of [`within`].
#[must_use]
pub fn current() -> Option<String> {
    TRACEPARENT.try_with(Clone::clone).ok().flatten()
}
