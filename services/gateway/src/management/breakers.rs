//! `/actuator/circuitbreakers` and `/actuator/circuitbreakerevents`, in Resilience4j's format: the gateway's breakers, what
//! happened at them, and their change by hand.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use souk_kit::{
    Problem,
    extract::{Path, ValidJson},
};
use souk_resilience::{Breaker, Event, EventKind, Snapshot, State as BreakerState};
use souk_values::Timestamp;

use crate::{app::App, error::GatewayError};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/actuator/circuitbreakers", get(list))
        .route("/actuator/circuitbreakers/{name}", post(update))
        .route("/actuator/circuitbreakerevents", get(async |State(app): State<App>| Json(events_of(&app, None, None))))
        .route(
            "/actuator/circuitbreakerevents/{name}",
            get(async |State(app): State<App>, Path(name): Path<String>| Json(events_of(&app, Some(&name), None))),
        )
        .route(
            "/actuator/circuitbreakerevents/{name}/{kind}",
            get(async |State(app): State<App>, Path((name, kind)): Path<(String, String)>| {
                Json(events_of(&app, Some(&name), Some(&kind)))
            }),
        )
}

async fn list(State(app): State<App>) -> Json<Value> {
    let view = |breaker: &Arc<Breaker>| (breaker.name().to_owned(), view(&breaker.snapshot()));
    let breakers: Map<String, Value> = app.breakers.iter().map(view).collect();
    Json(json!({ "circuitBreakers": breakers }))
}

fn view(snapshot: &Snapshot) -> Value {
    let percent = |rate: f64| format!("{rate:.1}%");
    json!({
        "failureRate": percent(snapshot.failure_rate),
        "failureRateThreshold": percent(snapshot.failure_rate_threshold),
        "slowCallRate": percent(snapshot.slow_call_rate),
        "slowCallRateThreshold": percent(snapshot.slow_call_rate_threshold),
        "bufferedCalls": snapshot.buffered_calls,
        "failedCalls": snapshot.failed_calls,
        "slowCalls": snapshot.slow_calls,
        "slowFailedCalls": snapshot.slow_failed_calls,
        "notPermittedCalls": snapshot.not_permitted_calls,
        "state": snapshot.state.name(),
    })
}

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    #[garde(skip)]
    update_state: UpdateState,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum UpdateState {
    Close,
    ForceOpen,
    Disable,
}

/// Closes, opens or disables a breaker until the next such request, or a restart.
async fn update(
    State(app): State<App>,
    Path(name): Path<String>,
    ValidJson(Update { update_state }): ValidJson<Update>,
) -> Result<Json<Value>, Problem> {
    let breaker = app.breakers.iter().find(|breaker| breaker.name() == name).ok_or(GatewayError::NoRoute)?;
    let next = match update_state {
        UpdateState::Close => BreakerState::Closed,
        UpdateState::ForceOpen => BreakerState::ForcedOpen,
        UpdateState::Disable => BreakerState::Disabled,
    };
    breaker.transition_to(next).map_err(|illegal| Problem::internal(&illegal))?;
    let message = format!("the circuit breaker {name} is {next}");
    Ok(Json(json!({"circuitBreakerName": name, "currentState": next.name(), "message": message})))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventView {
    circuit_breaker_name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    creation_time: Timestamp,
    error_message: Option<String>,
    duration_in_ms: Option<u64>,
    state_transition: Option<String>,
}

impl EventView {
    fn of(breaker: &Breaker, event: &Event) -> Self {
        let millis = |took: &std::time::Duration| u64::try_from(took.as_millis()).ok();
        let mut view = Self {
            circuit_breaker_name: breaker.name().to_owned(),
            kind: event.kind.name(),
            creation_time: event.at,
            error_message: None,
            duration_in_ms: None,
            state_transition: None,
        };
        match &event.kind {
            EventKind::Success { took } | EventKind::IgnoredError { took } => view.duration_in_ms = millis(took),
            EventKind::Error { took, cause } => {
                view.duration_in_ms = millis(took);
                view.error_message = Some(cause.to_string());
            }
            EventKind::StateTransition { from, to } => view.state_transition = Some(format!("{from}_TO_{to}")),
            EventKind::FailureRateExceeded { rate } | EventKind::SlowCallRateExceeded { rate } => {
                view.error_message = Some(format!("{rate:.1}%"));
            }
            EventKind::NotPermitted | EventKind::Reset => {}
        }
        view
    }
}

/// Returns the events of all breakers or of one, of all kinds or of one, the oldest first.
fn events_of(app: &App, name: Option<&str>, kind: Option<&str>) -> Value {
    let breakers = app.breakers.iter().filter(|breaker| name.is_none_or(|name| breaker.name() == name));
    let mut events: Vec<EventView> = breakers
        .flat_map(|breaker| breaker.events().iter().map(|event| EventView::of(breaker, event)).collect::<Vec<_>>())
        .filter(|event| kind.is_none_or(|kind| event.kind.eq_ignore_ascii_case(kind)))
        .collect();
    events.sort_by_key(|event| event.creation_time);
    json!({ "circuitBreakerEvents": events })
}
