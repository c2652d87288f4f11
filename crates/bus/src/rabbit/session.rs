//! Connections in working order, and the task that sees to it that there are some: it connects, declares
//! the topology, watches, and begins anew with back-off when something is lost.

use std::{fmt, sync::Arc, time::Duration};

use souk_values::IdGen;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    address::Address,
    declaring::declare,
    hearing::{self, Heard},
    link::Link,
    publisher::Publisher,
    topology::{Names, Topology},
};
use crate::{BusError, pace};

/// How it stands with the broker.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// Not connected, for this reason.
    Away(String),
    /// Its exchanges or queues are not those that this version needs.
    Drifted(String),
    /// In working order.
    Ready(Arc<Session>),
}

/// Two connections: the broker may hold up the one that publishes without holding up acknowledgements.
pub(super) struct Session {
    pub publisher: Publisher,
    pub publishing: Arc<Link>,
    pub consuming: Arc<Link>,
    /// Cancelled when the session is over.
    pub over: CancellationToken,
    _guard: DropGuard,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { publishing, consuming, .. } = self;
        f.debug_struct("Session").field("publishing", publishing).field("consuming", consuming).finish_non_exhaustive()
    }
}

/// What a transport is to the broker.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub address: Address,
    pub names: Names,
    /// What the broker's lists show.
    pub name: String,
    /// Looks only: declares nothing and is not woken.
    pub inspects: bool,
    /// Event types, or their beginnings, that wake.
    pub wakes: Vec<&'static str>,
}

/// Connects, and again whenever the connection is lost.
pub(super) struct Supervisor {
    pub role: Role,
    pub state: watch::Sender<State>,
    pub heard: Heard,
    /// Told when an exchange or a queue was not there.
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
                    let why = self.keep(&Arc::new(session)).await;
                    if began.elapsed() > pace::LONGEST {
                        pause = Duration::ZERO;
                    }
                    if !self.stop.is_cancelled() {
                        tracing::warn!(broker = %self.role.address, error = %why, "the connection to the broker is lost");
                    }
                }
                Err(error) => self.report(&error),
            }
            pause = pace::longer(pause);
            // Real time on purpose: the pace of trying again, not a term of the business.
            tokio::select! { () = tokio::time::sleep(self.jittered(pause)) => {}, () = self.stop.cancelled() => {} }
        }
        self.state.send_replace(State::Away("this side has closed the connection".to_owned()));
    }

    fn report(&self, error: &BusError) {
        let state = match error {
            BusError::Drift(text) => State::Drifted(text.clone()),
            BusError::Unavailable(text) => State::Away(text.clone()),
            error => State::Away(error.to_string()),
        };
        let is_known = match (&*self.state.borrow(), &state) {
            (State::Away(before), State::Away(now)) | (State::Drifted(before), State::Drifted(now)) => before == now,
            _ => false,
        };
        // Once per change, not per try.
        if !is_known {
            tracing::warn!(broker = %self.role.address, error = %error, "the broker cannot be used; connecting is tried again");
        }
        self.state.send_replace(state);
    }

    async fn open(&self) -> Result<Session, BusError> {
        let Role { address, name, inspects, .. } = &self.role;
        let publishing = Arc::new(Link::open(address, name).await?);
        let consuming = if *inspects { Arc::clone(&publishing) } else { Arc::new(Link::open(address, name).await?) };
        if !inspects {
            self.complete(&consuming).await?;
        }
        let over = CancellationToken::new();
        Ok(Session {
            publisher: Publisher::new(Arc::clone(&publishing), Arc::clone(&self.incomplete)),
            publishing,
            consuming,
            _guard: over.clone().drop_guard(),
            over,
        })
    }

    async fn complete(&self, link: &Link) -> Result<(), BusError> {
        declare(link, &Topology::named(&self.role.names)).await
    }

    /// Offers `session` to all until it is lost; answers why it was.
    async fn keep(&self, session: &Arc<Session>) -> String {
        tracing::info!(broker = %self.role.address, "connected to the broker");
        if !self.role.inspects {
            let hearing = hearing::listen(Arc::clone(&session.consuming), self.role.clone(), self.heard.clone());
            let over = session.over.clone();
            tokio::spawn(async move { over.run_until_cancelled_owned(hearing).await });
        }
        self.state.send_replace(State::Ready(Arc::clone(session)));
        let why = loop {
            tokio::select! {
                // First, so that nothing is declared anew by one who was told to stop.
                biased;
                () = self.stop.cancelled() => break "this side has closed the connection".to_owned(),
                why = session.publishing.lost() => break why,
                why = session.consuming.lost() => break why,
                () = self.incomplete.notified(), if !self.role.inspects => {
                    if let Err(error) = self.complete(&session.consuming).await {
                        break error.to_string();
                    }
                    tracing::info!(broker = %self.role.address, "what was missing on the broker is declared again");
                }
            }
        };
        self.state.send_replace(State::Away(why.clone()));
        session.over.cancel();
        tokio::join!(session.publishing.end(), session.consuming.end());
        why
    }

    /// Between half of `pause` and all of it, so that a company of services does not come back as one.
    fn jittered(&self, pause: Duration) -> Duration {
        pause / 2 + self.ids.jitter(pause / 2)
    }
}
