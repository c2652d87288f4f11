//! A user's notices as they are written: woken in this process, and looking at the store every second
//! anyway, so that what another replica wrote is not missed.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::response::sse::Event;
use futures::{Stream, stream};
use souk_values::{Timestamp, UserId, clock};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{app::App, notice::Notice};

/// How long one stream lasts, as long as an access token: its reader comes back with a fresh one.
const LIFE: Duration = Duration::from_secs(900);
/// How often the store is looked at though nobody said that something was written.
const POLL: Duration = Duration::from_secs(1);
/// Notices read at once.
const BATCH: u64 = 100;

/// The notices of `user` after the one at `position`, and those to come.
///
/// The first block only names the position, so that a reader who is cut off before the first notice
/// resumes from there.
pub fn of(app: App, user: UserId, position: i64) -> impl Stream<Item = Result<Event, Infallible>> {
    let feed = Feed {
        told: app.told.subscribe(),
        ends_at: app.clock.now().plus(LIFE),
        app,
        user,
        position,
        ready: VecDeque::new(),
        has_begun: false,
    };
    stream::unfold(feed, |mut feed| async move { feed.next().await.map(|event| (Ok(event), feed)) })
}

struct Feed {
    app: App,
    user: UserId,
    position: i64,
    ready: VecDeque<Notice>,
    told: broadcast::Receiver<UserId>,
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
            if let Some(notice) = self.ready.pop_front() {
                self.position = notice.position;
                let event = Event::default().id(notice.position.to_string()).event("notice");
                return event.json_data(&notice).ok();
            }
            match self.app.store.notices_after(self.user, self.position, BATCH).await {
                Ok(notices) => self.ready.extend(notices),
                Err(error) => tracing::warn!(error = %error, "a stream of notices waits for the store"),
            }
            if self.ready.is_empty() && !self.wait().await {
                return None;
            }
        }
    }

    /// Waits until looking at the store is worth it. False: the stream is over.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            () = self.app.stopping.cancelled() => false,
            () = clock::sleep_until(&*self.app.clock, self.ends_at) => false,
            // Real time on purpose: the pace of looking, not a term of the business.
            () = tokio::time::sleep(POLL) => true,
            () = woken(&mut self.told, self.user) => true,
        }
    }
}

async fn woken(told: &mut broadcast::Receiver<UserId>, user: UserId) {
    loop {
        match told.recv().await {
            Ok(other) if other != user => {}
            Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}
