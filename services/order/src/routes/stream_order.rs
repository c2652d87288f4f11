//! `GET /orders/{orderId}/stream`: the timeline as it grows, by Server-Sent Events.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, stream};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::{OrderId, Timestamp};

use super::visible;
use crate::{App, error::OrderError, order::Step, view::TimelineEntry, waiters::Waiting};

/// The timeline of an order as it grows: first the steps there are, then each new one.
///
/// An event is named by its step, its data is the timeline entry, its id the step's number; a client
/// that comes back with `Last-Event-ID` goes on after that step.
#[utoipa::path(get, path = "",
    params(
        ("orderId" = OrderId, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "The last step that was received"),
    ),
    responses(
        (status = 200, body = String, content_type = "text/event-stream", description = "One event a step",
            example = "id: 2\nevent: confirmed\ndata: {\"at\":\"2026-01-31T12:00:00.250Z\",\"step\":\"confirmed\",\
                \"cause\":\"019c13f8-2a00-7000-8000-000000000001\"}\n\n"),
        (status = 404, description = "`order.not_found`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, OrderError> {
    visible(&app, &caller, order_id).await?;
    // An id that is not ours is no reason to refuse: the stream begins at the beginning.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    let waiting = app.waiters.wait_for(order_id);
    let ends_at = app.clock.now().plus(LASTS);
    let following = Following { app, order_id, waiting, last, ends_at, at_hand: VecDeque::new() };
    let events = stream::unfold(following, |mut following| async move {
        let step = following.next().await?;
        Some((Ok(event(step)), following))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// How long a stream lasts: as long as an access token. The reader comes back with a fresh one.
const LASTS: Duration = Duration::from_secs(15 * 60);

/// A reader of one order's timeline.
struct Following {
    app: App,
    order_id: OrderId,
    waiting: Waiting,
    last: i64,
    ends_at: Timestamp,
    at_hand: VecDeque<Step>,
}

impl Following {
    /// The next step; `None` when the service stops, or the stream has lasted as long as it may.
    async fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.at_hand.pop_front() {
                self.last = step.number;
                return Some(step);
            }
            match self.app.store.steps(self.order_id, self.last).await {
                Ok(steps) if !steps.is_empty() => {
                    self.at_hand = steps.into();
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(error = %error, "a stream could not read its order; tried again"),
            }
            if self.app.clock.now() >= self.ends_at || !self.waiting.changed().await {
                return None;
            }
        }
    }
}

fn event(step: Step) -> Event {
    let event = Event::default().id(step.number.to_string()).event(step.kind.as_str());
    event.json_data(TimelineEntry::from(step)).unwrap_or_else(|error| {
        tracing::error!(error = %error, "a step cannot be shown as JSON");
        Event::default().comment("a step is left out")
    })
}
