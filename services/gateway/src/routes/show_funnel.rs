//! How many visitors got how far.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use souk_kit::{Problem, auth::Admin, extract::Query};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    visits::{KEPT_DAYS, Source, Step},
};

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct FunnelQuery {
    /// How many days back, today included: 1 to 90, 7 when left out.
    pub days: Option<i64>,
}

/// The funnel of some days.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "days": 7,
    "steps": [{"step": "visit", "count": 120}, {"step": "product", "count": 80}, {"step": "cart", "count": 30},
        {"step": "checkout", "count": 12}, {"step": "purchase", "count": 9}],
    "sources": {"direct": 70, "search": 50}
}))]
pub struct Funnel {
    /// How many days back.
    pub days: i64,
    /// Every step, in the order that they are taken.
    pub steps: Vec<StepCount>,
    /// Visits by what brought them.
    pub sources: BTreeMap<Source, u64>,
}

/// How many got that far.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepCount {
    /// How far.
    pub step: Step,
    /// How many.
    pub count: u64,
}

/// How many visitors got how far, since the gateway was started.
#[utoipa::path(get, path = "", params(FunnelQuery), responses(
    (status = 200, body = Funnel, description = "The funnel."),
))]
pub async fn handle(
    State(App(known)): State<App>,
    _: Admin,
    Query(asked): Query<FunnelQuery>,
) -> Result<Json<Funnel>, Problem> {
    let days = asked.days.unwrap_or(7);
    if !(1..=KEPT_DAYS).contains(&days) {
        let detail = format!("days is 1 to {KEPT_DAYS}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "query.invalid", detail));
    }
    let (counts, sources) = known.visits.funnel(days, known.clock.now());
    let count = |step: Step| StepCount { step, count: counts.get(&step).copied().unwrap_or(0) };
    Ok(Json(Funnel { days, steps: Step::ALL.map(count).into(), sources }))
}
