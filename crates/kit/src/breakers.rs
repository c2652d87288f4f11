//! The frame's route for the circuit breakers of a service.

mod list;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use souk_resilience::Breaker;
use utoipa::ToSchema;

use crate::{Peers, auth::VERIFIER, health::Frame, routes::Routes};

/// A circuit breaker: that of the calls of one service to one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "service": "order", "name": "product", "state": "CLOSED", "failureRate": -1.0, "slowCallRate": -1.0,
    "bufferedCalls": 3, "failedCalls": 0, "slowCalls": 0, "notPermittedCalls": 0
}))]
pub struct BreakerView {
    /// Name of the service whose calls are guarded, such as `order`; `verifier` for the verifier of access tokens, which
    /// all services of a process share.
    pub service: String,
    /// Base URL of the instance of the service; absent for the process that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Name of the target, such as `product` or `smtp`, unique within the service.
    pub name: String,
    /// State of the breaker: `CLOSED`, `OPEN`, `HALF_OPEN`, `DISABLED`, `FORCED_OPEN` or `METRICS_ONLY`.
    pub state: String,
    /// Failed calls in percent; -1 while there are too few calls for a rate.
    pub failure_rate: f64,
    /// Slow calls in percent; -1 while there are too few calls for a rate.
    pub slow_call_rate: f64,
    /// Number of recent calls that the rates are calculated from.
    pub buffered_calls: u32,
    /// Number of failed calls among the buffered ones.
    pub failed_calls: u32,
    /// Number of slow calls among the buffered ones.
    pub slow_calls: u32,
    /// Number of calls denied since the breaker entered its state.
    pub not_permitted_calls: u64,
}

impl BreakerView {
    /// Returns the view of a breaker of `service`.
    #[must_use]
    pub fn of(service: &str, breaker: &Breaker) -> Self {
        let snapshot = breaker.snapshot();
        Self {
            service: service.to_owned(),
            instance: None,
            name: breaker.name().to_owned(),
            state: snapshot.state.name().to_owned(),
            failure_rate: snapshot.failure_rate,
            slow_call_rate: snapshot.slow_call_rate,
            buffered_calls: snapshot.buffered_calls,
            failed_calls: snapshot.failed_calls,
            slow_calls: snapshot.slow_calls,
            not_permitted_calls: snapshot.not_permitted_calls,
        }
    }
}

/// Returns the table of the route of `service`.
pub(crate) fn table(service: &str) -> Routes<Frame> {
    let all = &*format!("/admin/{service}/breakers");
    crate::routes! { Frame:
        GET all token list;
    }
}

/// Returns the breakers of the service by name: those of its calls to peers, and its own. That of the process's verifier
/// comes last.
fn breakers_of(frame: &Frame) -> Vec<BreakerView> {
    let mut breakers = frame.peers.breakers(frame.service);
    breakers.extend(frame.breakers.iter().map(Arc::clone));
    breakers.sort_by(|one, other| one.name().cmp(other.name()));
    let of_service = breakers.iter().map(|breaker| BreakerView::of(frame.service, breaker));
    of_service.chain(of_verifier(&frame.peers)).collect()
}

/// Returns the breaker of what the verifier of this process reads from auth.
#[must_use]
pub fn of_verifier(peers: &Peers) -> Vec<BreakerView> {
    peers.breakers(VERIFIER).iter().map(|breaker| BreakerView::of(VERIFIER, breaker)).collect()
}
