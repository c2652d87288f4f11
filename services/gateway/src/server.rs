//! Accepts client connections and serves each of them until it ends.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client_stream::ClientStream, config::GatewayConfig, connection_state::ConnectionState, headers::ClientAddress,
    proxy::Proxy,
};

/// Pause after a failed accept; usually the process has run out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Server {
    pub proxy: Proxy,
    pub http: http1::Builder,
    pub config: GatewayConfig,
    pub port: u16,
}
pub(crate) fn http(config: &GatewayConfig) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.max_header_size(config.max_header_bytes);
    // Larger than the limit, so that a head that exceeds it gets an error response instead of a closed connection.
    http.max_buf_size(config.max_header_bytes.saturating_mul(2).max(64 * 1024));
    http
}

pub(crate) async fn accept(server: Arc<Server>, listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(server.config.max_connections.min(Semaphore::MAX_PERMITS)));
    let next = async || {
        let permit = Arc::clone(&connections).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, peer, permit)),
                Err(error) => {
                    tracing::warn!(service = "gateway", error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    while let Some(Some((stream, peer, permit))) = stop.run_until_cancelled(next()).await {
        tasks.spawn(serve_connection(Arc::clone(&server), stream, peer, permit, stop.clone()));
    }
}

/// Serves one connection until the client closes it or misses a deadline, or the gateway stops.
async fn serve_connection(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    _permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    // Otherwise Nagle's algorithm delays small responses. The error of a broken socket surfaces at the first read.
    let _ = stream.set_nodelay(true);
    let state = ConnectionState::new();
    let is_trusted = server.proxy.trusted_proxies.contain(peer.ip());
    let client = ClientAddress::new(peer.ip(), server.port, is_trusted);
    let service = service_fn(|request| {
        let serving = server.proxy.serve(request, &client, &state);
        async move { Ok::<_, Infallible>(serving.await) }
    });
    let io = TokioIo::new(ClientStream::new(stream, Arc::clone(&state)));
    let mut connection = server.http.serve_connection(io, service);
    let GatewayConfig { request_head_timeout, keep_alive_timeout, .. } = server.config;
    let mut deadline_check = std::pin::pin!(tokio::time::sleep(request_head_timeout));
    let mut stopping = std::pin::pin!(stop.cancelled());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = std::pin::Pin::new(&mut connection) => {
                if let Err(error) = ended {
                    tracing::debug!(service = "gateway", error = %error, "a connection failed");
                }
                break;
            }
            () = &mut deadline_check => match state.time_left(request_head_timeout, keep_alive_timeout) {
                Some(left) => deadline_check.as_mut().reset(tokio::time::Instant::now() + left),
                None => return,
            },
            () = &mut stopping, if !is_stopping => {
                is_stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    if state.is_lingering() && !is_stopping {
        connection.into_parts().io.into_inner().linger().await;
    }
}
