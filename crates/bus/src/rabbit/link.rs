//! One connection to the broker: opened within a time limit, watched, and ended for certain.

use std::{
    fmt,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, Event,
    tcp::TLSConfig,
    uri::{AMQPScheme, AMQPUri},
};
use tokio::{sync::watch, task::AbortHandle};

use super::{
    address::Address,
    answers::{ANSWER, Refusal, in_time},
};
use crate::BusError;

/// How often a connection is looked at though nobody said that it was lost.
const LOOK: Duration = Duration::from_millis(500);
/// How long the broker may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection.
pub(super) struct Link {
    connection: Connection,
    socket: Socket,
    told: watch::Receiver<Told>,
    listener: AbortHandle,
}

/// What the broker told of the connection itself.
#[derive(Debug, Clone, Default)]
struct Told {
    /// It takes no messages for now, for this reason.
    blocked: Option<String>,
    /// It, or the network, ended something.
    error: Option<String>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects as `name`, what the broker's lists show.
    pub(super) async fn open(address: &Address, name: &str) -> Result<Self, BusError> {
        let socket = Socket::default();
        let held = socket.clone();
        let runtime = lapin::runtime::default_runtime().map_err(|error| Refusal::from(&error))?;
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connecting = Connection::connector(
            address.uri(),
            runtime,
            async move |uri, runtime| {
                let at = addresses(&uri).await?;
                // Real time on purpose: the network's patience. Else the client's thread waited for ever.
                let stream = tokio::time::timeout(ANSWER, AsyncTcpStream::connect(&runtime, at));
                let stream = stream.await.map_err(std::io::Error::from)??;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    held.hold(plain.get_ref())?;
                }
                Ok(match uri.scheme {
                    AMQPScheme::AMQP => stream,
                    AMQPScheme::AMQPS => {
                        let secured = stream.into_tls(&uri.authority.host, TLSConfig::default());
                        tokio::time::timeout(ANSWER, secured).await.map_err(std::io::Error::from)??
                    }
                })
            },
            properties,
        );
        let connection = match in_time(connecting).await {
            Ok(connection) => connection,
            Err(refusal) => {
                socket.cut();
                return Err(refusal.into());
            }
        };
        let (teller, told) = watch::channel(Told::default());
        let events = connection.events_listener();
        let listener = tokio::spawn(events.for_each(move |event| {
            teller.send_modify(|told| told.note(event));
            std::future::ready(())
        }));
        Ok(Self { connection, socket, told, listener: listener.abort_handle() })
    }

    /// A channel of one's own.
    pub(super) async fn channel(&self) -> Result<Channel, Refusal> {
        in_time(self.connection.create_channel()).await
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.status().connected()
    }

    /// Why the broker takes no messages on this connection now, if so.
    pub(super) fn blocked(&self) -> Option<String> {
        self.told.borrow().blocked.clone()
    }

    /// Waits until the broker takes no messages; answers why.
    pub(super) async fn until_blocked(&self) -> String {
        let mut told = self.told.clone();
        let reason = told.wait_for(|told| told.blocked.is_some()).await.ok().and_then(|told| told.blocked.clone());
        match reason {
            Some(reason) => reason,
            // The teller is gone with its connection.
            None => std::future::pending().await,
        }
    }

    /// Waits until the broker takes messages, or the connection is lost.
    pub(super) async fn until_unblocked(&self) {
        let mut told = self.told.clone();
        // The teller is gone with its connection.
        let _ = told.wait_for(|told| told.blocked.is_none()).await;
    }

    /// Waits until the connection is lost; answers why.
    pub(super) async fn lost(&self) -> String {
        let mut told = self.told.clone();
        loop {
            if !self.is_open() {
                let error = told.borrow().error.clone();
                return error.unwrap_or_else(|| "the connection was closed".to_owned());
            }
            // Real time on purpose: the pace of looking.
            tokio::select! {
                changed = told.changed() => if changed.is_err() { tokio::time::sleep(LOOK).await },
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Says goodbye and closes the socket, whether the broker answers or not.
    pub(super) async fn end(&self) {
        // What it answers changes nothing: the socket is closed anyway.
        let _ = tokio::time::timeout(GOODBYE, self.connection.close(200, "OK".into())).await;
        self.socket.cut();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listener.abort();
        self.socket.cut();
    }
}

impl Told {
    fn note(&mut self, event: Event) {
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

/// The socket below a connection, held apart from the client: a client that waits for a peer that fell
/// silent, or that may not write because it is blocked, ends when its socket does.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Option<TcpStream>>>);

impl Socket {
    fn hold(&self, stream: &impl AsFd) -> std::io::Result<()> {
        let twin = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(twin);
        Ok(())
    }

    fn cut(&self) {
        if let Some(stream) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
