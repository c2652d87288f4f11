//! The bus of a process that has none: the gateway neither tells nor consumes anything.

use souk_bus::{Announcement, BusError, DeadLetter, DeadLetterId, Signal, Subscription, Transport};
use souk_events::{Envelope, Queue};
use tokio::sync::broadcast;
use uuid::Uuid;

/// Carries nothing.
#[derive(Debug)]
pub struct NoBus;

fn none() -> BusError {
    BusError::Configuration("this process has none".to_owned())
}

#[async_trait::async_trait]
impl Transport for NoBus {
    async fn publish(&self, _: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        Err(none())
    }

    async fn subscribe(&self, _: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        Err(none())
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        broadcast::channel(1).1
    }

    async fn announce(&self, _: Announcement) -> Result<(), BusError> {
        Err(none())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        broadcast::channel(1).1
    }

    async fn ping(&self) -> Result<(), BusError> {
        Err(none())
    }

    async fn dead_letters(&self, _: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        Err(none())
    }

    async fn dead_letter_counts(&self, _: &[&'static str]) -> Result<Vec<u64>, BusError> {
        Err(none())
    }

    async fn dead_letter(&self, _: DeadLetterId) -> Result<DeadLetter, BusError> {
        Err(none())
    }

    async fn replay(&self, _: DeadLetterId) -> Result<(), BusError> {
        Err(none())
    }

    async fn discard(&self, _: DeadLetterId) -> Result<(), BusError> {
        Err(none())
    }
}
