//! A user's notices as they are written.
//!
//! A stream is woken by notices of this process, and polls the store every second for those of other replicas.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::sse::Event;
use futures::{Stream, stream};
use serde::Serialize;
use souk_kit::auth::TokenLife;
use souk_values::{Timestamp, UserId, clock};
use tokio::sync::broadcast::{self, error::RecvError};
use utoipa::ToSchema;

use crate::{app::App, notice::Notice};

/// Maximum duration of a stream, equal to the lifetime of an access token: the client reconnects with a fresh one.
const LIFETIME: Duration = Duration::from_secs(900);
const POLL: Duration = Duration::from_secs(1);
/// Notices read from the store in one query.
const BATCH: u64 = 100;

/// One event of the stream: its lines `id`, `event` and `data`, the last as JSON on a single line.
#[derive(ToSchema)]
#[schema(as = NoticeEvent)]
pub(crate) struct NoticeEvent {
    /// Number of the notice among yours: 1, 2, 3 …; resume with it as `Last-Event-ID`.
    #[schema(example = 7)]
    id: i64,
    /// Name of the event, always `notice`.
    event: EventName,
    /// The notice that was written, as `GET /notifications` lists it.
    data: Notice,
}

/// Name of an event of the stream.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = NoticeEventName)]
pub(crate) enum EventName {
    Notice,
}

impl EventName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
        }
    }
}

impl From<Notice> for NoticeEvent {
    fn from(notice: Notice) -> Self {
        Self { id: notice.position, event: EventName::Notice, data: notice }
    }
}

impl NoticeEvent {
    /// Errors: the notice cannot be written as JSON.
    fn into_event(self) -> Result<Event, axum::Error> {
        Event::default().id(self.id.to_string()).event(self.event.as_str()).json_data(self.data)
    }
}

/// Streams the notices of `user` after the one at `position`, and those to come.
///
/// The first event only carries the position as its id, so that a client whose connection breaks before the first
/// notice resumes from there.
pub(crate) fn follow(
    app: App,
    user: UserId,
    position: i64,
    token: TokenLife,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let feed = Feed {
        new_notices: app.new_notices.subscribe(),
        ends_at: app.clock.now().plus(LIFETIME),
        app,
        user,
        position,
        token,
        ready: VecDeque::new(),
        has_begun: false,
    };
    stream::unfold(feed, |mut feed| async move { feed.next().await.map(|event| (Ok(event), feed)) })
}

struct Feed {
    app: App,
    user: UserId,
    /// Position of the last notice sent.
    position: i64,
    token: TokenLife,
    ready: VecDeque<Notice>,
    new_notices: broadcast::Receiver<UserId>,
    ends_at: Timestamp,
    has_begun: bool,
}

impl Feed {
    async fn next(&mut self) -> Option<Event> {
        if !self.has_begun {
            self.has_begun = true;
            return Some(Event::default().id(self.position.to_string()));
        }
        loop {
            if self.token.is_over().await {
                return None;
            }
            if let Some(notice) = self.ready.pop_front() {
                self.position = notice.position;
                return Some(NoticeEvent::from(notice).into_event().unwrap_or_else(|error| {
                    tracing::error!(error = %error, "a notice could not be serialized");
                    Event::default().comment("a notice is left out")
                }));
            }
            match self.app.store.notices_after(self.user, self.position, BATCH).await {
                Ok(notices) => self.ready.extend(notices),
                Err(error) => tracing::warn!(error = %error, "new notices could not be read and will be retried"),
            }
            if self.ready.is_empty() && !self.wait().await {
                return None;
            }
        }
    }

    /// Waits until the store is to be read again; false at the end of the stream.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            () = self.app.stopping.cancelled() => false,
            () = clock::sleep_until(&*self.app.clock, self.ends_at) => false,
            // Real time, not the injected clock: the polling interval is not business logic.
            () = tokio::time::sleep(POLL) => true,
            () = woken(&mut self.new_notices, self.user) => true,
        }
    }
}

async fn woken(new_notices: &mut broadcast::Receiver<UserId>, user: UserId) {
    loop {
        match new_notices.recv().await {
            Ok(other) if other != user => {}
            Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}
