//! The bus between many processes: `RabbitMQ` 3.10 or later, without plug-ins.
//!
//! Events go to the topic exchange `souk.events` and from there into one quorum queue per consuming service
//! and purpose. A message that failed by its own fault waits in a queue without consumer, `souk.retry.*`,
//! whose time to live sends it back; one that failed too often goes to `souk.dead` and from there into the
//! dead letters of its queue. Before a message is acknowledged, its successor is confirmed. What all processes
//! are told at once goes over `springCloudBus`.

mod address;
mod answers;
mod declaring;
mod hearing;
mod inspecting;
mod letters;
mod link;
mod message;
mod publisher;
mod session;
mod subscription;
mod topology;

use std::sync::Arc;

use souk_events::{Envelope, Queue};
use souk_values::{Clock, IdGen, Secret};
use tokio::{
    sync::{Mutex, Notify, broadcast, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Announcement, BusError, DeadLetter, DeadLetterId, Signal, Subscription, Transport};

pub use declaring::Difference;
pub use inspecting::QueueDepth;
pub use topology::{Argument, Binding, BrokerQueue, Exchange, Routing, Topology};

use address::Address;
use answers::{ANSWER, NOT_FOUND};
use hearing::Heard;
use message::Outgoing;
use session::{Role, Session, State, Supervisor};
use subscription::RabbitSubscription;
use topology::Names;

/// The longest prefix: names with it must stay within AMQP's 255 bytes.
const LONGEST_PREFIX: usize = 100;

/// Where the broker is, and who this process is to it.
#[derive(Debug, Clone)]
pub struct RabbitConfig {
    /// `amqp://user:password@host:port/vhost`, or `amqps://…`. Its query may set `heartbeat` (seconds, 10)
    /// and `frame_max` (bytes, 32768).
    pub url: Secret,
    /// What goes before the name of every exchange and queue; empty in production.
    pub prefix: String,
    /// Types of events whose signals this process wants: whole, or their beginning up to a dot (`order.`).
    pub wakes: Vec<&'static str>,
    /// What the broker's list of connections shows.
    pub name: String,
}

/// The transport over `RabbitMQ`. Cloning shares it.
#[derive(Debug, Clone)]
pub struct RabbitTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    role: Role,
    clock: Arc<dyn Clock>,
    state: watch::Receiver<State>,
    signals: broadcast::Sender<Signal>,
    announcements: broadcast::Sender<Announcement>,
    incomplete: Arc<Notify>,
    stop: CancellationToken,
    supervisor: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl RabbitTransport {
    /// Answers at once; connects, declares the topology, and connects again when the connection is lost, in
    /// the background. [`Transport::ping`] says what is wrong until it works. Errors: the URL or the prefix
    /// cannot be right.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and is opened as the local transport is")]
    pub async fn open(config: RabbitConfig, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let RabbitConfig { url, prefix, wakes, name } = config;
        let address = Address::parse(&url)?;
        Ok(Self::start(Role { address, names: names(&prefix)?, name, inspects: false, wakes }, clock))
    }

    /// Connects to look: declares nothing, and changes nothing but by [`Transport::replay`] and
    /// [`Transport::discard`]. Errors: the broker cannot be used now.
    pub async fn inspect(url: &Secret, prefix: &str, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let (address, name) = (Address::parse(url)?, "souk operator".to_owned());
        let role = Role { address, names: names(prefix)?, name, inspects: true, wakes: Vec::new() };
        let transport = Self::start(role, clock);
        let mut state = transport.0.state.clone();
        // In time or not, the state tells.
        let _ = tokio::time::timeout(ANSWER, state.changed()).await;
        transport.session()?;
        Ok(transport)
    }

    fn start(role: Role, clock: Arc<dyn Clock>) -> Self {
        let (told, state) = watch::channel(State::Away("it is not connected yet".to_owned()));
        let (signals, announcements) = (broadcast::Sender::new(1_024), broadcast::Sender::new(64));
        let incomplete = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            role: role.clone(),
            state: told,
            heard: Heard { signals: signals.clone(), announcements: announcements.clone() },
            incomplete: Arc::clone(&incomplete),
            ids: IdGen::new(Arc::clone(&clock)),
            stop: stop.clone(),
        };
        let supervisor = Mutex::new(Some(tokio::spawn(supervisor.run())));
        Self(Arc::new(Inner { role, clock, state, signals, announcements, incomplete, stop, supervisor }))
    }

    /// Closes the connections and opens no other; messages taken and not settled go back to their queues.
    pub async fn close(&self) {
        self.0.stop.cancel();
        if let Some(supervisor) = self.0.supervisor.lock().await.take() {
            // It ends by itself; a defect in it has been told by its panic.
            let _ = supervisor.await;
        }
    }

    /// Opens no other connection and declares nothing from now on; what is open is closed soon after.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// The connections in working order. Errors: why there are none.
    fn session(&self) -> Result<Arc<Session>, BusError> {
        match &*self.0.state.borrow() {
            State::Ready(session) => Ok(Arc::clone(session)),
            State::Away(why) => Err(BusError::Unavailable(why.clone())),
            State::Drifted(what) => Err(BusError::Drift(what.clone())),
        }
    }
}

fn names(prefix: &str) -> Result<Names, BusError> {
    if prefix.len() > LONGEST_PREFIX {
        return Err(BusError::Configuration(format!("a prefix has at most {LONGEST_PREFIX} bytes")));
    }
    Ok(Names::new(prefix))
}

#[async_trait::async_trait]
impl Transport for RabbitTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        let names = &self.0.role.names;
        let messages: Result<Vec<Outgoing>, BusError> =
            envelopes.iter().map(|envelope| Outgoing::event(names, envelope)).collect();
        let confirmed = self.session()?.publisher.publish(&messages?).await?;
        let taken = envelopes.iter().zip(confirmed).filter(|(_, is_confirmed)| *is_confirmed);
        Ok(taken.map(|(envelope, _)| envelope.id).collect())
    }

    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        let Inner { role, clock, .. } = &*self.0;
        let opened = RabbitSubscription::open(self.session()?, role.names.clone(), Arc::clone(clock), queue).await;
        if matches!(&opened, Err(refusal) if refusal.code == NOT_FOUND) {
            self.0.incomplete.notify_one();
        }
        Ok(Box::new(opened?))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        let message = Outgoing::announcement(&self.0.role.names, &announcement)?;
        self.session()?.publisher.publish(&[message]).await?;
        Ok(())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    async fn ping(&self) -> Result<(), BusError> {
        match self.session()?.publishing.blocked() {
            None => Ok(()),
            Some(reason) => Err(publisher::blocked(&reason)),
        }
    }

    async fn recovered(&self) {
        let mut state = self.0.state.clone();
        // Not the state as it is: whoever asks has just met a failure in it.
        state.mark_unchanged();
        loop {
            if state.changed().await.is_err() {
                // Nobody connects any more.
                std::future::pending::<()>().await;
            }
            if matches!(&*state.borrow_and_update(), State::Ready(_)) {
                return;
            }
        }
    }

    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        letters::list(self.0.role.clone(), service.map(ToOwned::to_owned)).await
    }

    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        let names: Vec<String> = queues.iter().map(|queue| self.0.role.names.letters(queue)).collect();
        let depths = inspecting::depths(&self.session()?.consuming, names).await?;
        Ok(depths.into_iter().map(|depth| depth.waiting).collect())
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        let letters = self.dead_letters(None).await?;
        let letter = letters.into_iter().find(|letter| letter.dead_letter_id == id);
        letter.ok_or_else(|| BusError::NoSuchDeadLetter(id.to_string()))
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::replay(self.0.role.clone(), id).await
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::discard(self.0.role.clone(), id).await
    }
}
