//! A client's connection beneath hyper. It records when heads begin and whether they have a `Content-Length`, which
//! hyper does not report, and adds a problem body to hyper's own error responses.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use http::StatusCode;
use souk_kit::Problem;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

use crate::{connection_state::ConnectionState, error::GatewayError, head_scan::HeadScan};

/// Maximum time of a lingering close.
const LINGER_TIMEOUT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    scan: Option<HeadScan>,
    /// The rest of an error response that replaces hyper's.
    rejection: Bytes,
    has_rejected: bool,
}

impl ClientStream {
    pub fn new(stream: TcpStream, state: Arc<ConnectionState>) -> Self {
        Self { stream, state, scan: None, rejection: Bytes::new(), has_rejected: false }
    }

    fn scan_head(&mut self, bytes: &[u8], is_first: bool) {
        if is_first {
            // GET and HEAD are never accepted with a chunked body, so these most frequent requests need no scan.
            let may_be_chunked = !matches!(bytes.first(), Some(b'G' | b'H'));
            self.scan = may_be_chunked.then(HeadScan::default);
        }
        if let Some(has_length) = self.scan.as_mut().and_then(|scan| scan.read(bytes)) {
            self.scan = None;
            self.state.set_has_length(has_length);
        }
    }

    /// Replaces hyper's response to a head that it could not parse, which has no body.
    fn reject(&mut self, hyper_response: &[u8]) {
        let code = hyper_response.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
        let problem = Problem::from(match code {
            Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => GatewayError::HeadersTooLarge,
            Some(StatusCode::URI_TOO_LONG) => GatewayError::UriTooLong,
            _ => GatewayError::RequestInvalid("The request is not well-formed HTTP/1.1."),
        });
        let status = problem.status_code();
        let body = serde_json::to_string(&problem).unwrap_or_default();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.rejection = text.into();
        self.has_rejected = true;
        self.state.set_lingering();
    }

    fn write_rejection(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rejection.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rejection))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rejection.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Closes the write side and drains what the client still sends (a lingering close). Closing a socket with unread
    /// bytes sends a reset, which makes the client's system drop the response before the client reads it.
    pub async fn linger(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut rest = vec![0; 16 * 1024];
        let drain = async { while matches!(self.stream.read(&mut rest).await, Ok(1..)) {} };
        // A client that keeps sending for longer may miss the response, but nothing else is affected.
        let _ = tokio::time::timeout(LINGER_TIMEOUT, drain).await;
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() && this.state.is_between_requests() {
            let is_first = this.state.head_received();
            this.scan_head(read, is_first);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Between requests hyper writes nothing but its error response to a head.
        if this.state.is_between_requests() {
            if !this.has_rejected {
                this.reject(bytes);
            }
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.state.is_between_requests() {
            let whole: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
            return self.poll_write(context, &whole);
        }
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_rejection(context))?;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        this.state.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_rejection(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}
