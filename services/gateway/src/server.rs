//! Listens for clients and holds each connection until it ends.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    address_range::AddressRange, client_stream::ClientStream, config::GatewayConfig, conversation::Conversation,
    gateway::Gateway, headers::Sender,
};

/// After a connection could not be accepted: most often there are no file handles left.
const PAUSE: Duration = Duration::from_millis(50);

/// What the server knows of its clients.
pub(crate) struct Server {
    pub gateway: Gateway,
    pub http: http1::Builder,
    pub trusted_proxies: Vec<AddressRange>,
    pub request_head_timeout: Duration,
    pub keep_alive_timeout: Duration,
    /// The port that clients connect to.
    pub port: u16,
}

/// HTTP as clients may speak it.
pub(crate) fn http(config: &GatewayConfig) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_header_size(config.max_header_bytes);
    // Room for a head that is too large to be told so, and for bodies to flow.
    http.max_buf_size(config.max_header_bytes.saturating_mul(2).max(64 * 1024));
    http
}

/// Accepts connections until `stop`.
pub(crate) async fn accept(
    server: Arc<Server>,
    listener: TcpListener,
    max_connections: usize,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let next = async || {
        let place = Arc::clone(&room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, place)),
                Err(error) => {
                    tracing::warn!(service = "gateway", error = %error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    while let Some(Some((stream, peer, place))) = stop.run_until_cancelled(next()).await {
        tasks.spawn(converse(Arc::clone(&server), stream, peer, place, stop.clone()));
    }
}

/// Answers what comes over one connection until it ends, is too slow, or the gateway stops.
async fn converse(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    // Without it small answers wait for acknowledgements; with a broken socket the first read fails.
    let _ = stream.set_nodelay(true);
    let conversation = Conversation::new();
    let is_trusted = server.trusted_proxies.iter().any(|range| range.contains(peer.ip()));
    let sender = Sender::new(peer.ip(), server.port, is_trusted);
    let service = service_fn(|request| {
        let (server, conversation, sender) = (&server, &conversation, &sender);
        async move { Ok::<_, Infallible>(server.gateway.serve(request, sender, conversation).await) }
    });
    let io = TokioIo::new(ClientStream::new(stream, Arc::clone(&conversation)));
    let mut connection = server.http.serve_connection(io, service);
    let mut watch = std::pin::pin!(tokio::time::sleep(server.request_head_timeout));
    let mut stopping = std::pin::pin!(stop.cancelled());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = std::pin::Pin::new(&mut connection) => {
                if let Err(error) = ended {
                    tracing::debug!(service = "gateway", error = %error, "a connection broke");
                }
                break;
            }
            () = &mut watch => match conversation.time_left(server.request_head_timeout, server.keep_alive_timeout) {
                Some(left) => watch.as_mut().reset(tokio::time::Instant::now() + left),
                None => return,
            },
            () = &mut stopping, if !is_stopping => {
                is_stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    if conversation.lingers() && !is_stopping {
        connection.into_parts().io.into_inner().linger().await;
    }
}
