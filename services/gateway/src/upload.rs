//! A request's body on its way to a service: counted, never held.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use crate::error::Refusal;

/// The body of a request to a service. Cloning shares what was not sent yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upload(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    limit: u64,
    size: SizeHint,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    incoming: Incoming,
    sent: u64,
    has_begun: bool,
    is_done: bool,
    waits_for_client: bool,
    latest: Instant,
    fault: Option<Refusal>,
}

/// The body will not be sent to its end; [`Upload::fault`] says why.
#[derive(Debug, thiserror::Error)]
#[error("the body was stopped on its way")]
pub(crate) struct Stopped;

impl Upload {
    /// At most `limit` bytes of `incoming`. Errors: it says that it has more.
    pub fn new(incoming: Incoming, limit: u64) -> Result<Self, Refusal> {
        if incoming.is_end_stream() {
            return Ok(Self(None));
        }
        let size = incoming.size_hint();
        if size.lower() > limit {
            return Err(Refusal::BodyTooLarge(limit));
        }
        let progress = Progress {
            incoming,
            sent: 0,
            has_begun: false,
            is_done: false,
            waits_for_client: false,
            latest: Instant::now(),
            fault: None,
        };
        Ok(Self(Some(Arc::new(Shared { limit, size, progress: Mutex::new(progress) }))))
    }

    fn progress(&self) -> Option<MutexGuard<'_, Progress>> {
        // Nothing here panics half way, so poison means nothing.
        self.0.as_ref().map(|shared| shared.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a byte of it was taken, so that it cannot be sent anew.
    pub fn has_begun(&self) -> bool {
        self.progress().is_some_and(|progress| progress.has_begun)
    }

    /// Why it was stopped, if it was.
    pub fn fault(&self) -> Option<Refusal> {
        self.progress().and_then(|progress| progress.fault.clone())
    }

    /// Whether all of it is with the service.
    pub fn is_done(&self) -> bool {
        self.progress().is_none_or(|progress| progress.is_done)
    }

    /// Whether it is the client that has not sent more.
    pub fn waits_for_client(&self) -> bool {
        self.progress().is_some_and(|progress| !progress.is_done && progress.waits_for_client)
    }

    /// How long ago it last went on.
    pub fn stands_since(&self) -> Option<Duration> {
        self.progress().map(|progress| progress.latest.elapsed())
    }
}

impl Progress {
    fn poll(&mut self, context: &mut Context<'_>, limit: u64) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        self.has_begun = true;
        self.waits_for_client = true;
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        self.waits_for_client = false;
        self.latest = Instant::now();
        match frame {
            None => {
                self.is_done = true;
                Poll::Ready(None)
            }
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.sent = self.sent.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if self.sent > limit {
                    self.fault = Some(Refusal::BodyTooLarge(limit));
                    return Poll::Ready(Some(Err(Stopped)));
                }
                self.is_done = self.incoming.is_end_stream();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => {
                self.fault = Some(Refusal::BodyBroken);
                Poll::Ready(Some(Err(Stopped)))
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let limit = self.0.as_ref().map_or(0, |shared| shared.limit);
        match self.progress() {
            None => Poll::Ready(None),
            Some(mut progress) => progress.poll(context, limit),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_done()
    }

    fn size_hint(&self) -> SizeHint {
        // Asked before the first frame only; a clone that begins anew has the whole before it.
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |shared| shared.size)
    }
}
