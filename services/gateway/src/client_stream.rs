//! A client's connection beneath hyper: times heads, sees what hyper would not tell, and gives a
//! problem+json body to the refusals that hyper writes by itself.

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

use crate::{conversation::Conversation, head_scan::HeadScan};

/// How long a refused client is heard out.
const LINGER: Duration = Duration::from_secs(3);

/// The stream.
#[derive(Debug)]
pub(crate) struct ClientStream {
    stream: TcpStream,
    conversation: Arc<Conversation>,
    scan: Option<HeadScan>,
    refusal: Bytes,
    has_refused: bool,
}

impl ClientStream {
    pub fn new(stream: TcpStream, conversation: Arc<Conversation>) -> Self {
        Self { stream, conversation, scan: None, refusal: Bytes::new(), has_refused: false }
    }

    fn look_at(&mut self, bytes: &[u8], is_first: bool) {
        if is_first {
            // GET and HEAD are not taken chunked at all, so that the many reads cost nothing here.
            let may_be_chunked = !matches!(bytes.first(), Some(b'G' | b'H'));
            self.scan = may_be_chunked.then(HeadScan::default);
        }
        if let Some(has_length) = self.scan.as_mut().and_then(|scan| scan.read(bytes)) {
            self.scan = None;
            self.conversation.head_was_seen(has_length);
        }
    }

    /// What hyper wrote for a head that it could not read has no body: ours goes in its place.
    fn refuse(&mut self, hypers: &[u8]) {
        let code = hypers.get(9..12).and_then(|code| StatusCode::from_bytes(code).ok());
        let (status, code, detail) = match code {
            Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => {
                let detail = "The head of the request is larger than is taken here.";
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "gateway.headers_too_large", detail)
            }
            Some(StatusCode::URI_TOO_LONG) => {
                (StatusCode::URI_TOO_LONG, "gateway.uri_too_long", "Path and query are longer than is taken here.")
            }
            _ => (StatusCode::BAD_REQUEST, "gateway.request_invalid", "The request is not well-formed HTTP/1.1."),
        };
        let body = serde_json::to_string(&Problem::new(status, code, detail)).unwrap_or_default();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
             connection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.refusal = text.into();
        self.has_refused = true;
        self.conversation.linger();
    }

    fn write_refusal(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.refusal))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.refusal.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Hears a refused client out for a while: closing on what it still sends would make the system drop
    /// the answer before it is read.
    pub async fn linger(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let mut rest = vec![0; 16 * 1024];
        let hear = async { while matches!(self.stream.read(&mut rest).await, Ok(1..)) {} };
        // A client that goes on for longer loses the answer, and nothing else.
        let _ = tokio::time::timeout(LINGER, hear).await;
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(context, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        if !read.is_empty() && this.conversation.is_between_requests() {
            let is_first = this.conversation.head_goes_on();
            this.look_at(read, is_first);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Between requests nothing is written but hyper's refusal of a head.
        if this.conversation.is_between_requests() {
            if !this.has_refused {
                this.refuse(bytes);
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
        if self.conversation.is_between_requests() {
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
        ready!(this.write_refusal(context))?;
        ready!(Pin::new(&mut this.stream).poll_flush(context))?;
        this.conversation.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.write_refusal(context))?;
        Pin::new(&mut this.stream).poll_shutdown(context)
    }
}
