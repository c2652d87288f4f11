//! `GET /notifications/stream`: streams the caller's notices.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{
        IntoResponse,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::Stream;
use souk_kit::auth::Customer;

use crate::{app::App, error::NotificationError, feed};

/// Streams your notices as they are written, as Server-Sent Events.
///
/// Each event has the name `notice` and a `Notice` as its data. To resume after an event, send its id as
/// `Last-Event-ID`; without this header the stream begins with the next notice. The stream ends after 15 minutes at
/// the latest: reconnect with a fresh token.
#[utoipa::path(get, path = "",
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that you received")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "Events in the format of Server-Sent Events",
            example = "id: 7\nevent: notice\ndata: {\"notificationId\":246290604621824,\"kind\":\"order_paid\"}\n\n"),
        (status = 400, description = "`last_event_id.invalid`")))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    headers: HeaderMap,
) -> Result<impl IntoResponse, NotificationError> {
    let position = match headers.get("last-event-id") {
        None => app.store.last_position(caller.user_id).await?,
        Some(id) => last_seen(id).ok_or(NotificationError::InvalidLastEventId)?,
    };
    Ok(events(feed::follow(app, caller.user_id, position)))
}

fn last_seen(id: &header::HeaderValue) -> Option<i64> {
    id.to_str().ok()?.parse().ok().filter(|position| *position >= 0)
}

fn events(feed: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> impl IntoResponse {
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(feed).keep_alive(keep_alive))
}
