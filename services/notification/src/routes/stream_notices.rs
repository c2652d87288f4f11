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
use souk_kit::auth::{Customer, TokenLife};

use crate::{
    app::App,
    error::NotificationError,
    feed::{self, NoticeEvent},
};

/// Streams your notices as they are written, as Server-Sent Events.
///
/// The stream begins with an `id` line alone, the number after which it continues: no event to an `EventSource`, but its
/// next `Last-Event-ID`. Each notice then is an event named `notice`, with its number as the id and a `Notice` as the
/// data. To resume after an event, send its id as `Last-Event-ID`; without this header the stream begins with the next
/// notice. A comment line every 15 seconds keeps the connection open. The stream ends with its token, after 15 minutes at
/// the latest: reconnect with a fresh one.
#[utoipa::path(get, path = "",
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that you received")),
    responses(
        (status = 200, content_type = "text/event-stream", body = NoticeEvent,
            description = "Events in the format of Server-Sent Events; the schema describes one of them, whose members \
                are the lines of the same names, such as `id: 7`, `event: notice`, `data: {\"notificationId\":…}`"),
        (status = 400, description = "`last_event_id.invalid`")))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    token: TokenLife,
    headers: HeaderMap,
) -> Result<impl IntoResponse, NotificationError> {
    let position = match headers.get("last-event-id") {
        None => app.store.last_position(caller.user_id).await?,
        Some(id) => last_seen(id).ok_or(NotificationError::InvalidLastEventId)?,
    };
    Ok(events(feed::follow(app, caller.user_id, position, token)))
}

fn last_seen(id: &header::HeaderValue) -> Option<i64> {
    id.to_str().ok()?.parse().ok().filter(|position| *position >= 0)
}

fn events(feed: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> impl IntoResponse {
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    ([(header::CACHE_CONTROL, "no-store")], Sse::new(feed).keep_alive(keep_alive))
}
