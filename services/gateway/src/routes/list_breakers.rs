//! `GET /api/admin/breakers`: the gateway's circuit breakers.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::auth::Admin;
use souk_resilience::Breaker;
use utoipa::ToSchema;

use crate::app::App;

/// The circuit breaker of one service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "order", "state": "CLOSED", "failureRate": -1.0, "slowCallRate": -1.0,
    "bufferedCalls": 3, "failedCalls": 0, "slowCalls": 0, "notPermittedCalls": 0
}))]
pub(crate) struct BreakerView {
    /// Name of the guarded service, such as `order`.
    pub name: String,
    /// State of the breaker: `CLOSED`, `OPEN`, `HALF_OPEN`, `DISABLED`, `FORCED_OPEN` or `METRICS_ONLY`.
    pub state: &'static str,
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

/// All circuit breakers of the gateway.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BreakerList {
    /// Breakers in the order of their names.
    pub items: Vec<BreakerView>,
    /// Number of this page, always 0.
    pub page: usize,
    /// Number of items on this page: all of them.
    pub size: usize,
    /// Number of items on all pages.
    pub total: usize,
}

impl From<&Breaker> for BreakerView {
    fn from(breaker: &Breaker) -> Self {
        let snapshot = breaker.snapshot();
        Self {
            name: breaker.name().to_owned(),
            state: snapshot.state.name(),
            failure_rate: snapshot.failure_rate,
            slow_call_rate: snapshot.slow_call_rate,
            buffered_calls: snapshot.buffered_calls,
            failed_calls: snapshot.failed_calls,
            slow_calls: snapshot.slow_calls,
            not_permitted_calls: snapshot.not_permitted_calls,
        }
    }
}

/// Lists the gateway's circuit breakers, one for each service.
#[utoipa::path(get, path = "", responses((status = 200, body = BreakerList, description = "All circuit breakers.")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin) -> Json<BreakerList> {
    let items: Vec<BreakerView> = app.breakers.iter().map(|breaker| BreakerView::from(&**breaker)).collect();
    let total = items.len();
    Json(BreakerList { items, page: 0, size: total, total })
}
