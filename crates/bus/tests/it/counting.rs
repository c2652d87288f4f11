//! A transport that records what passes through it, and fails on request.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use souk_bus::{
    Announcement, BusError, DeadLetter, DeadLetterId, Delivery, Signal, Subscription, Transport, UnreadableEvent,
    Verdict,
};
use souk_events::{Envelope, Queue};
use souk_sql::SqlError;
use souk_values::{Page, PageRequest};
use tokio::sync::broadcast;
use uuid::Uuid;

/// A transport that publishes nothing until `is_back`, counts the events that it publishes, and records verdicts.
#[derive(Debug)]
pub struct CountingTransport {
    pub is_back: AtomicBool,
    takes: usize,
    pub given: Mutex<HashMap<Uuid, u32>>,
    /// Number of subscriptions that will fail.
    pub failing: AtomicU32,
    /// Verdicts that consumers gave, in their order.
    pub verdicts: Arc<Mutex<Vec<Verdict>>>,
    inner: Arc<dyn Transport>,
}

impl CountingTransport {
    pub fn new(inner: &Arc<dyn Transport>, is_back: bool, takes: usize) -> Arc<Self> {
        let inner = Arc::clone(inner);
        Arc::new(Self {
            is_back: AtomicBool::new(is_back),
            takes,
            given: Mutex::default(),
            failing: AtomicU32::new(0),
            verdicts: Arc::default(),
            inner,
        })
    }
}

#[async_trait::async_trait]
impl Transport for CountingTransport {
    async fn publish(&self, envelopes: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        if !self.is_back.load(Ordering::SeqCst) {
            return Err(SqlError::Unavailable("away".into()).into());
        }
        let envelopes = &envelopes[..envelopes.len().min(self.takes)];
        for envelope in envelopes {
            *self.given.lock().unwrap().entry(envelope.id).or_default() += 1;
        }
        self.inner.publish(envelopes).await
    }
    async fn bury(&self, service: &str, events: &[UnreadableEvent]) -> Result<(), BusError> {
        self.inner.bury(service, events).await
    }
    async fn subscribe(&self, queue: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        if self.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |failing| failing.checked_sub(1)).is_ok() {
            return Err(BusError::Unavailable("away".into()));
        }
        let inner = self.inner.subscribe(queue).await?;
        Ok(Box::new(Recording { inner, verdicts: Arc::clone(&self.verdicts) }))
    }
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.inner.signals()
    }
    async fn announce(&self, announcement: Announcement) -> Result<(), BusError> {
        self.inner.announce(announcement).await
    }
    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        self.inner.announcements()
    }
    async fn ping(&self) -> Result<(), BusError> {
        self.inner.ping().await
    }
    async fn dead_letters(&self, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        self.inner.dead_letters(service).await
    }
    async fn dead_letter_page(&self, service: Option<&str>, page: PageRequest) -> Result<Page<DeadLetter>, BusError> {
        self.inner.dead_letter_page(service, page).await
    }

    async fn dead_letter_counts(&self, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
        self.inner.dead_letter_counts(queues).await
    }
    async fn dead_letter(&self, id: DeadLetterId) -> Result<DeadLetter, BusError> {
        self.inner.dead_letter(id).await
    }
    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        self.inner.replay(id).await
    }
    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        self.inner.discard(id).await
    }
}

struct Recording {
    inner: Box<dyn Subscription>,
    verdicts: Arc<Mutex<Vec<Verdict>>>,
}

#[async_trait::async_trait]
impl Subscription for Recording {
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        self.inner.next(max).await
    }

    async fn settle(&mut self, verdicts: Vec<(Delivery, Verdict)>) -> Result<(), BusError> {
        self.verdicts.lock().unwrap().extend(verdicts.iter().map(|(_, verdict)| verdict.clone()));
        self.inner.settle(verdicts).await
    }
}
