//! The session with the broker, and the supervisor that opens it, declares the topology, and opens it again with back-off
//! whenever it is lost.

use std::{fmt, sync::Arc, time::Duration};

use souk_values::IdGen;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    announcements::{self, Receivers},
    connection::BrokerConnection,
    declaration::declare,
    options::Options,
    publisher::Publisher,
    topology::Topology,
};
use crate::{BusError, backoff};

/// The state of a transport's connection to the broker.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Not connected, with the reason.
    Disconnected(String),
    /// The broker's exchanges or queues differ from those that this version declares.
    Drifted(String),
    /// Connected, with the topology declared.
    Ready(Arc<Session>),
}

/// Two connections: the broker may block the one that publishes, and acknowledgements must not wait behind it.
pub(super) struct Session {
    pub publisher: Publisher,
    pub publishing: Arc<BrokerConnection>,
    pub consuming: Arc<BrokerConnection>,
    /// Cancelled at the end of the session.
    pub over: CancellationToken,
    _guard: DropGuard,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { publishing, consuming, .. } = self;
        f.debug_struct("Session").field("publishing", publishing).field("consuming", consuming).finish_non_exhaustive()
    }
}

/// Keeps a session open until it is stopped.
pub(super) struct Supervisor {
    pub options: Options,
    pub state: watch::Sender<State>,
    pub receivers: Receivers,
    /// Notified when an exchange or a queue was missing, so that the topology is declared again.
    pub incomplete: Arc<Notify>,
    pub ids: IdGen,
    pub stop: CancellationToken,
}

impl Supervisor {
    /// Runs until `stop`.
    pub(super) async fn run(self) {
        let mut pause = Duration::ZERO;
        while !self.stop.is_cancelled() {
            let opened = tokio::select! {
                () = self.stop.cancelled() => break,
                opened = self.open() => opened,
            };
            match opened {
                Ok(session) => {
                    let began = Instant::now();
                    let reason = self.keep(&Arc::new(session)).await;
                    if began.elapsed() > backoff::LONGEST {
                        pause = Duration::ZERO;
                    }
                    if !self.stop.is_cancelled() {
                        tracing::warn!(broker = %self.options.address, error = %reason, "the connection to the broker is lost");
                    }
                }
                Err(error) => self.report(&error),
            }
            pause = backoff::longer(pause);
            // In real time, unlike the terms of the business.
            tokio::select! { () = tokio::time::sleep(self.jittered(pause)) => {}, () = self.stop.cancelled() => {} }
        }
        self.state.send_replace(State::Disconnected("this side has closed the connection".to_owned()));
    }

    fn report(&self, error: &BusError) {
        let state = match error {
            BusError::Drift(text) => State::Drifted(text.clone()),
            BusError::Unavailable(text) => State::Disconnected(text.clone()),
            error => State::Disconnected(error.to_string()),
        };
        let is_known = match (&*self.state.borrow(), &state) {
            (State::Disconnected(before), State::Disconnected(now)) | (State::Drifted(before), State::Drifted(now)) => {
                before == now
            }
            _ => false,
        };
        // Logs every change, not every attempt.
        if !is_known {
            tracing::warn!(broker = %self.options.address, error = %error, "the broker cannot be used; connecting will be retried");
        }
        self.state.send_replace(state);
    }

    async fn open(&self) -> Result<Session, BusError> {
        let Options { address, connection_name, inspects, .. } = &self.options;
        let publishing = Arc::new(BrokerConnection::open(address, connection_name).await?);
        let consuming = if *inspects {
            Arc::clone(&publishing)
        } else {
            let consuming = BrokerConnection::open(address, connection_name).await?;
            // Not on the publishing connection, which may be blocked already.
            self.declare_topology(&consuming).await?;
            Arc::new(consuming)
        };
        let over = CancellationToken::new();
        Ok(Session {
            publisher: Publisher::new(Arc::clone(&publishing), Arc::clone(&self.incomplete)),
            publishing,
            consuming,
            _guard: over.clone().drop_guard(),
            over,
        })
    }

    async fn declare_topology(&self, connection: &BrokerConnection) -> Result<(), BusError> {
        declare(connection, &Topology::named(&self.options.names)).await
    }

    /// Publishes `session` as the current state until it is lost, and returns the reason.
    async fn keep(&self, session: &Arc<Session>) -> String {
        tracing::info!(broker = %self.options.address, "connected to the broker");
        if !self.options.inspects {
            let listening =
                announcements::listen(Arc::clone(&session.consuming), self.options.clone(), self.receivers.clone());
            let over = session.over.clone();
            tokio::spawn(async move { over.run_until_cancelled_owned(listening).await });
        }
        self.state.send_replace(State::Ready(Arc::clone(session)));
        let reason = loop {
            tokio::select! {
                // `stop` first: a stopped transport must not declare again what a test is removing.
                biased;
                () = self.stop.cancelled() => break "this side has closed the connection".to_owned(),
                reason = session.publishing.lost() => break reason,
                reason = session.consuming.lost() => break reason,
                () = self.incomplete.notified(), if !self.options.inspects => {
                    if let Err(error) = self.declare_topology(&session.consuming).await {
                        break error.to_string();
                    }
                    tracing::info!(broker = %self.options.address, "missing exchanges and queues were declared again");
                }
            }
        };
        self.state.send_replace(State::Disconnected(reason.clone()));
        session.over.cancel();
        tokio::join!(session.publishing.end(), session.consuming.end());
        reason
    }

    /// Returns a random duration from half of `pause` to all of it, so that many services do not reconnect simultaneously.
    fn jittered(&self, pause: Duration) -> Duration {
        pause / 2 + self.ids.jitter(pause / 2)
    }
}
