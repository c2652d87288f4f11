//! A connection to the broker that opens within a time limit, detects its loss, and always ends.

use std::{
    fmt,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::Arc,
    time::Duration,
};

use futures::StreamExt;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, Event,
    tcp::TLSConfig,
    uri::{AMQPScheme, AMQPUri},
};
use parking_lot::Mutex;
use tokio::{sync::watch, task::AbortHandle};

use super::{
    address::Address,
    replies::{REPLY_TIMEOUT, Refusal, in_time},
};
use crate::BusError;

/// Interval at which the client's status is polled in addition to its events, which do not cover every loss.
const POLL: Duration = Duration::from_millis(500);
/// Time limit of the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct BrokerConnection {
    connection: Connection,
    socket: Socket,
    events: watch::Receiver<Events>,
    listener: AbortHandle,
}

/// The latest events of a connection.
#[derive(Debug, Clone, Default)]
struct Events {
    /// Reason for which the broker accepts no messages at the moment.
    blocked: Option<String>,
    /// The last error of the connection.
    error: Option<String>,
}

impl fmt::Debug for BrokerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerConnection").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

impl BrokerConnection {
    /// Connects as `name`, which the broker's list of connections shows.
    pub(super) async fn open(address: &Address, name: &str) -> Result<Self, BusError> {
        let socket = Socket::default();
        let socket_of_client = socket.clone();
        let runtime = lapin::runtime::default_runtime().map_err(|error| Refusal::from(&error))?;
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connector(
            address.uri(),
            runtime,
            async move |uri, runtime| {
                let at = addresses(&uri).await?;
                // The client runs this on a thread of its own, which would wait forever without a time limit.
                let stream = tokio::time::timeout(REPLY_TIMEOUT, AsyncTcpStream::connect(&runtime, at));
                let stream = stream.await.map_err(std::io::Error::from)??;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    socket_of_client.set(plain.get_ref())?;
                }
                Ok(match uri.scheme {
                    AMQPScheme::AMQP => stream,
                    AMQPScheme::AMQPS => {
                        let secured = stream.into_tls(&uri.authority.host, TLSConfig::default());
                        tokio::time::timeout(REPLY_TIMEOUT, secured).await.map_err(std::io::Error::from)??
                    }
                })
            },
            properties,
        );
        let connection = match in_time(connecting).await {
            Ok(connection) => connection,
            Err(refusal) => {
                socket.shut_down();
                return Err(refusal.into());
            }
        };
        let (sender, events) = watch::channel(Events::default());
        let listener = tokio::spawn(connection.events_listener().for_each(move |event| {
            sender.send_modify(|events| events.record(event));
            std::future::ready(())
        }));
        Ok(Self { connection, socket, events, listener: listener.abort_handle() })
    }

    /// Opens a channel.
    pub(super) async fn channel(&self) -> Result<Channel, Refusal> {
        in_time(self.connection.create_channel()).await
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Returns the reason if the broker accepts no messages on this connection at the moment.
    pub(super) fn blocked(&self) -> Option<String> {
        self.events.borrow().blocked.clone()
    }

    /// Waits until the broker blocks this connection, and returns the reason.
    pub(super) async fn until_blocked(&self) -> String {
        let mut events = self.events.clone();
        let reason =
            events.wait_for(|events| events.blocked.is_some()).await.ok().and_then(|events| events.blocked.clone());
        match reason {
            Some(reason) => reason,
            // The events ended with the connection, whose loss `lost` reports.
            None => std::future::pending().await,
        }
    }

    /// Waits until the connection is not blocked, or is lost.
    pub(super) async fn until_unblocked(&self) {
        let mut events = self.events.clone();
        let _ = events.wait_for(|events| events.blocked.is_none()).await;
    }

    /// Waits until the connection is lost, and returns the reason.
    pub(super) async fn lost(&self) -> String {
        let mut events = self.events.clone();
        loop {
            if !self.is_open() {
                let error = events.borrow().error.clone();
                return error.unwrap_or_else(|| "the connection was closed".to_owned());
            }
            tokio::select! {
                changed = events.changed() => if changed.is_err() { tokio::time::sleep(POLL).await },
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Closes the connection, and its socket even if the broker does not reply.
    pub(super) async fn end(&self) {
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.connection.close(200, "OK".into())).await;
        self.socket.shut_down();
    }
}

impl Drop for BrokerConnection {
    fn drop(&mut self) {
        self.listener.abort();
        self.socket.shut_down();
    }
}

impl Events {
    fn record(&mut self, event: Event) {
        match event {
            Event::ConnectionBlocked(reason) => self.blocked = Some(reason),
            Event::ConnectionUnblocked => self.blocked = None,
            Event::Error(error) => self.error = Some(Refusal::from(&error).text),
            _ => {}
        }
    }
}

async fn addresses(uri: &AMQPUri) -> std::io::Result<Vec<std::net::SocketAddr>> {
    let found = tokio::net::lookup_host((uri.authority.host.clone(), uri.authority.port)).await?;
    Ok(found.collect())
}

/// A second handle of the client's socket. The client hangs while the peer is silent, or while it may not write because it
/// is blocked; shutting its socket down ends it in both cases.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Option<TcpStream>>>);

impl Socket {
    fn set(&self, stream: &impl AsFd) -> std::io::Result<()> {
        let duplicate = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        *self.0.lock() = Some(duplicate);
        Ok(())
    }

    fn shut_down(&self) {
        if let Some(stream) = self.0.lock().take() {
            // Fails if it is closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
