//! The clock of a shop under test, moved by hand.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use garde::Validate;
use serde::{Deserialize, Serialize};
use souk_kit::{Problem, auth::Admin, extract::ValidJson};
use souk_values::{Clock, Timestamp};
use utoipa::ToSchema;

use crate::{app::App, error::Refusal};

/// Ten years.
const LONGEST: u64 = 10 * 366 * 24 * 3600;

/// How far to move the clock.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"advanceSeconds": 3600}))]
pub struct AdvanceClock {
    /// Forward; at most ten years.
    #[garde(range(min = 1, max = LONGEST))]
    #[schema(minimum = 1, maximum = 316_224_000)]
    pub advance_seconds: u64,
}

/// What the clock shows now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"now": "2026-01-31T12:00:00.000Z", "offsetSeconds": 3600}))]
pub struct ClockShows {
    /// The shop's time.
    pub now: Timestamp,
    /// How far that is ahead of the machine's time.
    pub offset_seconds: u64,
}

/// Moves the shop's clock forward. Only there with `--test-clock`.
#[utoipa::path(post, path = "", request_body = AdvanceClock, responses(
    (status = 200, body = ClockShows, description = "The clock was moved, and stays so after a restart."),
    (status = 404, description = "`gateway.route_not_found`: the shop runs on the machine's clock"),
))]
pub async fn handle(
    State(App(known)): State<App>,
    _: Admin,
    ValidJson(asked): ValidJson<AdvanceClock>,
) -> Result<Json<ClockShows>, Problem> {
    let test_clock = known.test_clock.as_ref().ok_or(Refusal::NoRoute)?.lock().await;
    let by = Duration::from_secs(asked.advance_seconds);
    let offset_ms = test_clock.clock.moves().map_or(0, |moves| *moves.borrow());
    let offset = Duration::from_millis(u64::try_from(offset_ms).unwrap_or(0)).saturating_add(by);
    // Kept before it is true: after a crash time must not have gone back.
    let keep = Arc::clone(&test_clock.keep);
    let kept = tokio::task::spawn_blocking(move || keep(offset)).await;
    kept.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    let offset = test_clock.clock.advance(by);
    Ok(Json(ClockShows { now: test_clock.clock.now(), offset_seconds: offset.as_secs() }))
}
