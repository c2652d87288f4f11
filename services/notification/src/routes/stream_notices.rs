//! `GET /notifications/stream`

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

/// Streams your notices as they are written (Server-Sent Events).
///
/// Each event is named `notice`, its data is a `Notice`, and its id is what `Last-Event-ID` takes to go on
/// after it; without that header the stream begins with the next notice. It ends after 15 minutes at the
/// latest: come back with a fresh token.
#[utoipa::path(get, path = "",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you got")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String, description = "The events",
            example = "id: 7\nevent: notice\ndata: {\"notificationId\":246290604621824,\"kind\":\"order_paid\"}\n\n"),
        (status = 400, description = "`last_event_id.invalid`")))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    headers: HeaderMap,
) -> Result<impl IntoResponse, NotificationError> {
    let position = match headers.get("last-event-id") {
        None => app.store.last_position(caller.user_id).await?,
        Some(id) => last_seen(id).ok_or(NotificationError::LastEventId)?,
    };
    Ok(events(feed::of(app, caller.user_id, position)))
}

fn last_seen(id: &header::HeaderValue) -> Option<i64> {
    id.to_str().ok()?.parse().ok().filter(|position| *position >= 0)
}

fn events(feed: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> impl IntoResponse {
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(feed).keep_alive(keep_alive))
}
