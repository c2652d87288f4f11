//! `GET /api/admin/funnel`: the number of visitors at each step.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{auth::Admin, extract::Days};
use utoipa::ToSchema;

use crate::{
    app::App,
    visits::{RETENTION_DAYS, Source, Step},
};

/// Visitors by step and by source.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "days": 7, "timeZone": "UTC",
    "steps": [{"step": "visit", "count": 120}, {"step": "product", "count": 80}, {"step": "cart", "count": 30},
        {"step": "checkout", "count": 12}, {"step": "purchase", "count": 9}],
    "sources": {"direct": 70, "search": 50}
}))]
pub(crate) struct Funnel {
    /// Number of days counted, today included.
    pub days: i64,
    /// IANA name of the time zone whose days are counted, such as `Europe/Berlin`.
    pub time_zone: String,
    /// All steps in the order in which a visitor takes them.
    pub steps: Vec<StepCount>,
    /// Number of visits by the source that brought the visitor; sources without visits are absent.
    pub sources: BTreeMap<Source, u64>,
}

/// The visitors that reached a step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepCount {
    /// Step of the funnel, such as `checkout`.
    pub step: Step,
    /// Number of page views at this step.
    pub count: u64,
}

/// Shows how many visitors reached each step, counted since this gateway was started.
#[utoipa::path(get, path = "", params(Days<RETENTION_DAYS>), responses(
    (status = 200, body = Funnel, description = "The funnel."),
))]
pub(crate) async fn handle(State(app): State<App>, _: Admin, Days(days): Days<RETENTION_DAYS>) -> Json<Funnel> {
    let (counts, sources) = app.visits.funnel(days, app.clock.now());
    let count = |step: Step| StepCount { step, count: counts.get(&step).copied().unwrap_or(0) };
    let time_zone = app.visits.zone().to_owned();
    Json(Funnel { days: days.into(), time_zone, steps: Step::ALL.map(count).into(), sources })
}
