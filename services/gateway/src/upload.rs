//! The body of a request on its way to an upstream: counted and streamed, never buffered.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use parking_lot::{Mutex, MutexGuard};

use crate::error::GatewayError;

/// A body that is sent to an upstream; `None` for an empty one. Cloning shares the part that was not sent yet, so that
/// a retry continues with it.
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
    is_started: bool,
    is_done: bool,
    is_waiting_for_client: bool,
    latest_frame: Instant,
    error: Option<GatewayError>,
}

/// The body cannot be sent completely; [`Upload::error`] has the reason.
#[derive(Debug, thiserror::Error)]
#[error("the body cannot be sent completely")]
pub(crate) struct UploadAborted;

impl Upload {
    /// Limits `incoming` to `limit` bytes.
    ///
    /// Errors: its `Content-Length` is larger.
    pub fn new(incoming: Incoming, limit: u64) -> Result<Self, GatewayError> {
        if incoming.is_end_stream() {
            return Ok(Self(None));
        }
        let size = incoming.size_hint();
        if size.lower() > limit {
            return Err(GatewayError::BodyTooLarge(limit));
        }
        let progress = Progress {
            incoming,
            sent: 0,
            is_started: false,
            is_done: false,
            is_waiting_for_client: false,
            latest_frame: Instant::now(),
            error: None,
        };
        Ok(Self(Some(Arc::new(Shared { limit, size, progress: Mutex::new(progress) }))))
    }

    fn progress(&self) -> Option<MutexGuard<'_, Progress>> {
        self.0.as_ref().map(|shared| shared.progress.lock())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns true if a part was taken, so that the body cannot be sent again.
    pub fn is_started(&self) -> bool {
        self.progress().is_some_and(|progress| progress.is_started)
    }

    /// Returns the reason why the body was aborted.
    pub fn error(&self) -> Option<GatewayError> {
        self.progress().and_then(|progress| progress.error.clone())
    }

    /// Returns true if the whole body was taken by the upstream's connection.
    pub fn is_done(&self) -> bool {
        self.progress().is_none_or(|progress| progress.is_done)
    }

    /// Returns true if the upstream's connection is waiting for more of the client's body.
    pub fn is_waiting_for_client(&self) -> bool {
        self.progress().is_some_and(|progress| !progress.is_done && progress.is_waiting_for_client)
    }

    /// Returns the time since the latest frame; `None` for an empty body.
    pub fn idle_time(&self) -> Option<Duration> {
        self.progress().map(|progress| progress.latest_frame.elapsed())
    }
}

impl Progress {
    fn poll(&mut self, context: &mut Context<'_>, limit: u64) -> Poll<Option<Result<Frame<Bytes>, UploadAborted>>> {
        self.is_started = true;
        self.is_waiting_for_client = true;
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        self.is_waiting_for_client = false;
        self.latest_frame = Instant::now();
        match frame {
            None => {
                self.is_done = true;
                Poll::Ready(None)
            }
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                self.sent = self.sent.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                if self.sent > limit {
                    self.error = Some(GatewayError::BodyTooLarge(limit));
                    return Poll::Ready(Some(Err(UploadAborted)));
                }
                self.is_done = self.incoming.is_end_stream();
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => {
                self.error = Some(GatewayError::BodyIncomplete);
                Poll::Ready(Some(Err(UploadAborted)))
            }
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = UploadAborted;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadAborted>>> {
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
        // hyper reads it before the first frame only, when the whole body is still to be sent.
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |shared| shared.size)
    }
}
