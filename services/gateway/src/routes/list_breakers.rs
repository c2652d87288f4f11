//! The gateway's circuit breakers.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::auth::Admin;
use souk_resilience::Breaker;
use utoipa::ToSchema;

use crate::app::App;

/// One breaker, guarding one service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "order", "state": "CLOSED", "failureRate": -1.0, "slowCallRate": -1.0,
    "bufferedCalls": 3, "failedCalls": 0, "slowCalls": 0, "notPermittedCalls": 0
}))]
pub struct BreakerView {
    /// The service.
    pub name: String,
    /// `CLOSED`, `OPEN`, `HALF_OPEN`, `DISABLED`, `FORCED_OPEN` or `METRICS_ONLY`.
    pub state: &'static str,
    /// Percent; -1 while there are too few calls to tell.
    pub failure_rate: f64,
    /// Percent; -1 while there are too few calls to tell.
    pub slow_call_rate: f64,
    /// Calls that are judged.
    pub buffered_calls: u32,
    /// Those that failed.
    pub failed_calls: u32,
    /// Those that were slow.
    pub slow_calls: u32,
    /// Calls denied since the present state began.
    pub not_permitted_calls: u64,
}

/// Every breaker.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakerList {
    /// By name.
    pub items: Vec<BreakerView>,
    /// Always 0: there is one page.
    pub page: usize,
    /// As many as there are.
    pub size: usize,
    /// As many as there are.
    pub total: usize,
}

impl From<&Breaker> for BreakerView {
    fn from(breaker: &Breaker) -> Self {
        let shown = breaker.snapshot();
        Self {
            name: breaker.name().to_owned(),
            state: shown.state.name(),
            failure_rate: shown.failure_rate,
            slow_call_rate: shown.slow_call_rate,
            buffered_calls: shown.buffered_calls,
            failed_calls: shown.failed_calls,
            slow_calls: shown.slow_calls,
            not_permitted_calls: shown.not_permitted_calls,
        }
    }
}

/// The gateway's circuit breakers, one for each service.
#[utoipa::path(get, path = "", responses((status = 200, body = BreakerList, description = "Every breaker.")))]
pub async fn handle(State(App(known)): State<App>, _: Admin) -> Json<BreakerList> {
    let items: Vec<BreakerView> = known.breakers.iter().map(|breaker| BreakerView::from(&**breaker)).collect();
    let total = items.len();
    Json(BreakerList { items, page: 0, size: total, total })
}
