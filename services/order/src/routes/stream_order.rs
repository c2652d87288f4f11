//! `GET /orders/{orderId}/stream`: the timeline as Server-Sent Events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use souk_kit::{
    auth::{Customer, TokenLife},
    extract::Path,
};
use souk_values::{OrderId, Timestamp};
use utoipa::ToSchema;

use super::visible_order;
use crate::{
    app::App,
    error::OrderError,
    order::{Step, StepKind},
    view::TimelineEntry,
    waiters::Waiter,
};

/// Streams the timeline of an order as Server-Sent Events: first the past steps, then each new one.
///
/// The name of an event is its step, such as `confirmed`, its data the timeline entry, and its id the number of the
/// step. A client that reconnects with `Last-Event-ID` continues after that step. A comment line every 15 seconds keeps
/// the connection open. The stream ends with its token, after 15 minutes at the latest: reconnect with a fresh
/// one.
#[utoipa::path(get, path = "",
    params(
        ("orderId" = OrderId, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "Number of the last step received; all steps are sent when left out"),
    ),
    responses(
        (status = 200, body = StepEvent, content_type = "text/event-stream",
            description = "Events in the format of Server-Sent Events, one for each step; the schema describes one of \
                them, whose members are the lines of the same names, such as `id: 2`, `event: confirmed`, \
                `data: {\"at\":…,\"step\":\"confirmed\",…}`"),
        (status = 404, description = "`order.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    token: TokenLife,
    Path(order_id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, OrderError> {
    visible_order(&app, &caller, order_id).await?;
    // An unreadable id is ignored, not refused: after an error an `EventSource` never reconnects.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    let waiter = app.waiters.subscribe(order_id);
    let ends_at = app.clock.now().plus(MAX_DURATION);
    let reader = TimelineReader { app, order_id, token, waiter, last, ends_at, unsent: VecDeque::new() };
    let events = stream::unfold(reader, |mut reader| async move {
        let step = reader.next().await?;
        Some((Ok(event(step)), reader))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Longest duration of a stream: the life of an access token. The client reconnects with a fresh one.
const MAX_DURATION: Duration = Duration::from_secs(15 * 60);

/// Position of one client on an order's timeline.
struct TimelineReader {
    app: App,
    order_id: OrderId,
    token: TokenLife,
    waiter: Waiter,
    /// Number of the last step that was sent.
    last: i64,
    ends_at: Timestamp,
    unsent: VecDeque<Step>,
}

impl TimelineReader {
    /// Waits for the next step. Returns `None` when the service stops, the token ends, or the stream has reached its
    /// longest duration.
    async fn next(&mut self) -> Option<Step> {
        loop {
            if self.token.is_over().await {
                return None;
            }
            if let Some(step) = self.unsent.pop_front() {
                self.last = step.number;
                return Some(step);
            }
            match self.app.store.steps(self.order_id, self.last).await {
                Ok(steps) if !steps.is_empty() => {
                    self.unsent = steps.into();
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "the timeline of a stream could not be read; retrying"),
            }
            if self.app.clock.now() >= self.ends_at || !self.waiter.changed().await {
                return None;
            }
        }
    }
}

/// One event of the stream: its lines `id`, `event` and `data`, the last as JSON on a single line.
#[derive(ToSchema)]
#[schema(as = OrderStepEvent)]
struct StepEvent {
    /// Number of the step on the timeline: 1, 2, 3 …
    #[schema(example = 2)]
    id: i64,
    /// Name of the event, equal to the entry's `step`.
    event: StepKind,
    /// The step that was made, as `GET /orders/{orderId}/timeline` lists it.
    data: TimelineEntry,
}

impl From<Step> for StepEvent {
    fn from(step: Step) -> Self {
        Self { id: step.number, event: step.kind, data: TimelineEntry::from(step) }
    }
}

impl StepEvent {
    /// Errors: the entry cannot be written as JSON.
    fn into_event(self) -> Result<Event, axum::Error> {
        Event::default().id(self.id.to_string()).event(self.event.as_str()).json_data(self.data)
    }
}

fn event(step: Step) -> Event {
    StepEvent::from(step).into_event().unwrap_or_else(|error| {
        tracing::error!(error = %error, "a step could not be serialized");
        Event::default().comment("a step is left out")
    })
}
