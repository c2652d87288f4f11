//! Responses to clients: an upstream's, passed through frame by frame, or the gateway's own.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use hyper::body::{Body, Frame, SizeHint};
use souk_kit::call::Chosen;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::{connection_state::ActiveRequest, headers, upstreams::Download};

/// Headers of a service's response that has none of its own: it is data, never a page, and no cache keeps what is not
/// meant for everybody.
const DATA_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
/// A year, as browsers require it of sites that are never to be reached without TLS.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// A response that is not bound to its connection yet.
pub(crate) type GatewayResponse = Response<ResponseBody>;

pub(crate) enum ResponseBody {
    Upstream(UpstreamBody),
    Own(axum::body::Body),
}

pub(crate) struct UpstreamBody {
    incoming: Download,
    /// Counts as in flight at its instance until the body ends.
    _instance: Option<Chosen>,
    /// Set for a stream of events, which has no end of its own: it ends when the gateway stops.
    stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

/// Turns an upstream's response into the gateway's.
pub(crate) fn pass_through(
    response: Response<Download>,
    instance: Option<Chosen>,
    stop: &CancellationToken,
) -> GatewayResponse {
    let (mut parts, incoming) = response.into_parts();
    headers::remove_hop_by_hop(&mut parts.headers);
    for (name, value) in DATA_HEADERS {
        parts.headers.entry(name).or_insert(value);
    }
    let is_event_stream = |kind: &HeaderValue| kind.as_bytes().starts_with(b"text/event-stream");
    let is_endless = parts.headers.get(header::CONTENT_TYPE).is_some_and(is_event_stream);
    let stop = is_endless.then(|| Box::pin(stop.clone().cancelled_owned()));
    Response::from_parts(parts, ResponseBody::Upstream(UpstreamBody { incoming, _instance: instance, stop }))
}

/// Makes browsers reach the shop by TLS alone from now on.
pub(crate) fn require_tls(headers: &mut HeaderMap) {
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
}

/// The body of a response on its connection. Dropping it ends the active request.
pub(crate) struct ConnectionBody {
    pub body: ResponseBody,
    pub _request: ActiveRequest,
}

/// The upstream failed before the end of its body.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

impl Body for ConnectionBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Upstream(upstream) => match Pin::new(&mut upstream.incoming).poll_frame(context) {
                Poll::Pending if upstream.stop.as_mut().is_some_and(|stop| stop.as_mut().poll(context).is_ready()) => {
                    Poll::Ready(None)
                }
                frame => frame,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(upstream) => upstream.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(upstream) => upstream.incoming.size_hint(),
        }
    }
}
