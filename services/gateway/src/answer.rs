//! What the gateway answers: a service's answer passed through, or its own.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use souk_kit::call::Chosen;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{conversation::Answering, headers};

/// An answer before it is bound to its connection.
pub(crate) type Answer = Response<Content>;

/// Where a body comes from.
pub(crate) enum Content {
    /// A service, frame by frame.
    Passed(Passed),
    /// The gateway.
    Own(axum::body::Body),
}

/// A service's body.
pub(crate) struct Passed {
    incoming: Incoming,
    /// In flight at its instance until the end.
    _instance: Option<Chosen>,
    /// A stream of events has no end of its own: it ends with the gateway.
    until: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// Makes a service's answer the gateway's.
pub(crate) fn pass(response: Response<Incoming>, instance: Option<Chosen>, stop: &CancellationToken) -> Answer {
    let (mut parts, incoming) = response.into_parts();
    headers::remove_hop_by_hop(&mut parts.headers);
    let is_of_events = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    let until = parts.headers.get(header::CONTENT_TYPE).filter(|kind| is_of_events(kind));
    let until = until.map(|_| Box::pin(stop.clone().cancelled_owned()));
    Response::from_parts(parts, Content::Passed(Passed { incoming, _instance: instance, until }))
}

/// The body of an answer on its connection.
pub(crate) struct AnswerBody {
    content: Content,
    _answering: Answering,
}

impl AnswerBody {
    pub fn new(content: Content, answering: Answering) -> Self {
        Self { content, _answering: answering }
    }
}

/// The body broke off.
pub(crate) type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut self.get_mut().content {
            Content::Own(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Content::Passed(passed) => match Pin::new(&mut passed.incoming).poll_frame(context) {
                Poll::Pending if passed.until.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) => {
                    Poll::Ready(None)
                }
                frame => frame.map_err(Into::into),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(body) => body.is_end_stream(),
            Content::Passed(passed) => passed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(body) => body.size_hint(),
            Content::Passed(passed) => passed.incoming.size_hint(),
        }
    }
}
