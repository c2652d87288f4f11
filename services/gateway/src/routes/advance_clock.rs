//! `POST /api/test-clock`: moves the clock of a shop that is under test.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use garde::Validate;
use serde::{Deserialize, Serialize};
use souk_kit::{Problem, auth::Admin, extract::ValidJson};
use souk_values::{Clock, Timestamp};
use utoipa::ToSchema;

use crate::{app::App, error::GatewayError};

/// Ten years, in seconds.
const MAX_SECONDS: u64 = 10 * 366 * 24 * 3600;

/// A move of the shop's clock.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"advanceSeconds": 3600}))]
pub(crate) struct AdvanceClock {
    /// Seconds to move the clock forward, at most ten years.
    #[garde(range(min = 1, max = MAX_SECONDS))]
    #[schema(minimum = 1, maximum = 316_224_000)]
    pub advance_seconds: u64,
}

/// The shop's clock after the move.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ClockShows, example = json!({"now": "2026-01-31T12:00:00.000Z", "offsetSeconds": 3600}))]
pub(crate) struct ClockView {
    /// Current time of the shop, in UTC.
    pub now: Timestamp,
    /// Seconds by which the shop's clock is ahead of the machine's.
    pub offset_seconds: u64,
}

/// Moves the shop's clock forward. Available only in a shop that was started with `--test-clock`.
#[utoipa::path(post, path = "", request_body = AdvanceClock, responses(
    (status = 200, body = ClockView, description = "The clock was moved; the offset survives a restart."),
    (status = 404, description = "`gateway.route_not_found`: the shop runs on the machine's clock"),
))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    ValidJson(request): ValidJson<AdvanceClock>,
) -> Result<Json<ClockView>, Problem> {
    let test_clock = app.test_clock.as_ref().ok_or(GatewayError::NoRoute)?.lock().await;
    let by = Duration::from_secs(request.advance_seconds);
    let offset_ms = test_clock.clock.shifts().map_or(0, |shifts| *shifts.borrow());
    let offset = Duration::from_millis(u64::try_from(offset_ms).unwrap_or(0)).saturating_add(by);
    // Stored before the clock is moved: after a crash in between, time must not go backwards.
    let keep = Arc::clone(&test_clock.keep);
    let kept = tokio::task::spawn_blocking(move || keep(offset)).await;
    kept.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let offset = test_clock.clock.advance(by);
    Ok(Json(ClockView { now: test_clock.clock.now(), offset_seconds: offset.as_secs() }))
}
