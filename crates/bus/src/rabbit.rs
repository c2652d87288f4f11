//! The transport between many processes: `RabbitMQ` 3.10 or later, without plug-ins.
//!
//! Events go to the topic exchange `souk.events`, which routes them to one quorum queue per consuming service and purpose.
//! A failed message waits in a queue without consumers, `souk.retry.*`; when its time to live ends, the broker returns it to
//! its own queue. After the last attempt it goes to the exchange `souk.dead`, and from there to the dead-letter queue of its
//! queue. The original is acknowledged only after the broker confirmed the republished copy.
//!
//! An event is durable and goes through queues. A signal is a best-effort copy of an event to every process, which wakes
//! waiting requests. An announcement is a broadcast to all processes over the exchange `springCloudBus`.

mod address;
mod announcements;
mod connection;
mod declaration;
mod inspection;
mod letters;
mod message;
mod options;
mod publisher;
mod replies;
mod session;
mod subscription;
mod topology;

use std::sync::Arc;

use souk_events::{Envelope, Queue};
use souk_values::{Clock, IdGen, Page, PageRequest, Secret};
use tokio::{
    sync::{Mutex, Notify, broadcast, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    Announcement, BusError, DeadLetter, DeadLetterId, Signal, Subscription, Transport, UnreadableEvent,
    dead_letters::{letter_id_of_body, outbox_name},
};

pub use declaration::TopologyDifference;
pub use inspection::QueueDepth;
pub use topology::{Argument, Binding, BrokerQueue, Exchange, Routing, Topology};

use address::Address;
use announcements::Receivers;
use message::{Death, Outgoing};
use options::Options;
use replies::{NOT_FOUND, REPLY_TIMEOUT};
use session::{Session, State, Supervisor};
use subscription::RabbitSubscription;
use topology::Names;

/// The broker's address, and the names and signals of this process on it.
#[derive(Debug, Clone)]
pub struct RabbitConfig {
    /// `amqp://user:password@host:port/vhost`, or `amqps://…`. Its query may set `heartbeat` (seconds, 10) and `frame_max`
    /// (bytes, 32768).
    pub url: Secret,
    /// Prefix of the names of all exchanges and queues; empty in production.
    pub prefix: String,
    /// Event types whose signals this process receives: whole, or their beginning up to a dot (`order.`).
    pub signal_types: Vec<&'static str>,
    /// Name of the connections in the broker's lists.
    pub connection_name: String,
}

/// The transport over `RabbitMQ`. Cloning shares it.
#[derive(Debug, Clone)]
pub struct RabbitTransport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    clock: Arc<dyn Clock>,
    state: watch::Receiver<State>,
    signals: broadcast::Sender<Signal>,
    announcements: broadcast::Sender<Announcement>,
    /// Notified when a queue or an exchange is found missing, so that the supervisor declares the topology again.
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
    /// Returns immediately, and connects, declares the topology and reconnects in the background. Until that succeeds,
    /// [`Transport::ping`] returns the reason. Errors: the URL or the prefix is invalid.
    #[expect(clippy::unused_async, reason = "it needs a runtime, and is opened as the local transport is")]
    pub async fn open(config: RabbitConfig, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let RabbitConfig { url, prefix, signal_types, connection_name } = config;
        let address = Address::parse(&url)?;
        let names = Names::checked(&prefix)?;
        Ok(Self::start(Options { address, names, connection_name, inspects: false, signal_types }, clock))
    }

    /// Connects for an operator: declares nothing, and changes nothing except by [`Transport::replay`] and
    /// [`Transport::discard`]. Errors: the broker cannot be used now.
    pub async fn inspect(url: &Secret, prefix: &str, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        let address = Address::parse(url)?;
        let names = Names::checked(prefix)?;
        let connection_name = "souk operator".to_owned();
        let options = Options { address, names, connection_name, inspects: true, signal_types: Vec::new() };
        let transport = Self::start(options, clock);
        let mut state = transport.0.state.clone();
        // After a timeout `session` returns the reason.
        let _ = tokio::time::timeout(REPLY_TIMEOUT, state.changed()).await;
        transport.session()?;
        Ok(transport)
    }

    fn start(options: Options, clock: Arc<dyn Clock>) -> Self {
        let (state_sender, state) = watch::channel(State::Disconnected("it is not connected yet".to_owned()));
        let signals = broadcast::Sender::new(1_024);
        let announcements = broadcast::Sender::new(64);
        let incomplete = Arc::new(Notify::new());
        let stop = CancellationToken::new();
        let supervisor = Supervisor {
            options: options.clone(),
            state: state_sender,
            receivers: Receivers { signals: signals.clone(), announcements: announcements.clone() },
            incomplete: Arc::clone(&incomplete),
            ids: IdGen::new(Arc::clone(&clock)),
            stop: stop.clone(),
        };
        let supervisor = Mutex::new(Some(tokio::spawn(supervisor.run())));
        Self(Arc::new(Inner { options, clock, state, signals, announcements, incomplete, stop, supervisor }))
    }

    /// Closes the connections for good, which requeues unsettled messages, and waits until they are closed.
    pub async fn close(&self) {
        self.0.stop.cancel();
        if let Some(supervisor) = self.0.supervisor.lock().await.take() {
            // An error is a panic of the supervisor, which has been logged.
            let _ = supervisor.await;
        }
    }

    /// Closes the connections for good without waiting for it, and declares nothing any more.
    pub fn stop(&self) {
        self.0.stop.cancel();
    }

    /// Returns the exchanges and queues on the broker that differ from those of this version. Changes nothing.
    pub async fn check_topology(&self) -> Result<Vec<TopologyDifference>, BusError> {
        let topology = Topology::named(&self.0.options.names);
        declaration::differences(&self.session()?.consuming, &topology).await
    }

    /// Returns the depth of every queue of the shop. Errors: a queue is missing, or the broker cannot be used.
    pub async fn queue_depths(&self) -> Result<Vec<QueueDepth>, BusError> {
        let queues = Topology::named(&self.0.options.names).queues.into_iter().map(|queue| queue.name).collect();
        inspection::depths(&self.session()?.consuming, queues).await
    }

    /// Closes the connections and deletes all exchanges and queues of this prefix with their messages; for tests. Errors:
    /// there is no prefix, so that these would be a shop's, or the broker cannot be used.
    pub async fn remove_everything(&self) -> Result<(), BusError> {
        let Options { address, names, .. } = &self.0.options;
        inspection::check_prefixed(names)?;
        self.close().await;
        inspection::remove_everything(address, names).await
    }

    /// Deletes all exchanges and queues under `prefix` on the broker at `url`, for tests without a transport.
    pub async fn remove_everything_at(url: &Secret, prefix: &str) -> Result<(), BusError> {
        let names = Names::checked(prefix)?;
        inspection::remove_everything(&Address::parse(url)?, &names).await
    }

    /// Returns the current session. Errors: the reason why there is none.
    fn session(&self) -> Result<Arc<Session>, BusError> {
        match &*self.0.state.borrow() {
            State::Ready(session) => Ok(Arc::clone(session)),
            State::Disconnected(reason) => Err(BusError::Unavailable(reason.clone())),
            State::Drifted(differences) => Err(BusError::Drift(differences.clone())),
        }
    }
}

#[async_trait::async_trait]
impl Transport for RabbitTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        let names = &self.0.options.names;
        let messages: Result<Vec<Outgoing>, BusError> =
            envelopes.iter().map(|envelope| Outgoing::event(names, envelope)).collect();
        let confirmed = self.session()?.publisher.publish(&messages?).await?;
        let confirmed = envelopes.iter().zip(confirmed).filter(|(_, is_confirmed)| *is_confirmed);
        Ok(confirmed.map(|(envelope, _)| envelope.id).collect())
    }

    async fn bury(&self, service: &str, events: &[UnreadableEvent]) -> Result<(), BusError> {
        let outbox = outbox_name(service);
        let at = self.0.clock.now();
        let letter = |event: &UnreadableEvent| {
            let body = event.body.clone().into_bytes();
            let id = letter_id_of_body(&outbox, &body).to_string();
            let death = Death { queue: &outbox, attempts: 1, error: &event.error, at };
            Outgoing::unreadable(&self.0.options.names, id, body, &death)
        };
        let letters = events.iter().map(letter).collect::<Result<Vec<_>, _>>()?;
        let confirmed = self.session()?.publisher.publish(&letters).await?;
        if confirmed.iter().all(|is_confirmed| *is_confirmed) {
            Ok(())
        } else {
            Err(BusError::Unavailable(format!("it did not confirm the dead letters of {outbox}")))
        }
    }

    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        let Inner { options, clock, .. } = &*self.0;
        let opened = RabbitSubscription::open(self.session()?, options.names.clone(), Arc::clone(clock), queue).await;
        if matches!(&opened, Err(refusal) if refusal.code == NOT_FOUND) {
            self.0.incomplete.notify_one();
        }
        Ok(Box::new(opened?))
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.0.signals.subscribe()
    }

    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        let message = Outgoing::announcement(&self.0.options.names, &announcement)?;
        self.session()?.publisher.publish(&[message]).await?;
        Ok(())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    async fn ping(&self) -> Result<(), BusError> {
        match self.session()?.publishing.blocked() {
            None => Ok(()),
            Some(reason) => Err(publisher::blocked_error(&reason)),
        }
    }

    async fn connection_recovered(&self) {
        let mut state = self.0.state.clone();
        // The caller has just failed in the current state, so only a later one counts.
        state.mark_unchanged();
        loop {
            if state.changed().await.is_err() {
                // The supervisor has stopped, and nothing will reconnect.
                std::future::pending::<()>().await;
            }
            if matches!(&*state.borrow_and_update(), State::Ready(_)) {
                return;
            }
        }
    }

    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        letters::list(self.0.options.clone(), service.map(ToOwned::to_owned)).await
    }

    async fn dead_letter_page(
        &self,
        service: Option<&str>,
        request: PageRequest,
    ) -> Result<Page<DeadLetter>, BusError> {
        letters::page(self.0.options.clone(), service.map(ToOwned::to_owned), request).await
    }

    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        let names: Vec<String> = queues.iter().map(|queue| self.0.options.names.letters(queue)).collect();
        let depths = inspection::depths(&self.session()?.consuming, names).await?;
        Ok(depths.into_iter().map(|depth| depth.waiting).collect())
    }

    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        let letter = letters::show(self.0.options.clone(), id).await?;
        letter.ok_or_else(|| BusError::NoSuchDeadLetter(id.to_string()))
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::replay(self.0.options.clone(), id).await
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        letters::discard(self.0.options.clone(), id).await
    }
}
