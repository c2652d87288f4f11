//! The transport of a process without a bus: the gateway neither publishes nor consumes events.

use souk_bus::{Announcement, BusError, DeadLetter, DeadLetterId, Signal, Subscription, Transport, UnreadableEvent};
use souk_events::{Envelope, Queue};
use souk_values::{Page, PageRequest};
use tokio::sync::broadcast;
use uuid::Uuid;

#[derive(Debug)]
pub struct NoBus;

fn no_bus() -> BusError {
    BusError::Configuration("this process has no bus".to_owned())
}

#[async_trait::async_trait]
impl Transport for NoBus {
    async fn publish(&self, _: &[Envelope]) -> Result<Vec<Uuid>, BusError> {
        Err(no_bus())
    }

    async fn bury(&self, _: &str, _: &[UnreadableEvent]) -> Result<(), BusError> {
        Err(no_bus())
    }

    async fn subscribe(&self, _: &'static Queue) -> Result<Box<dyn Subscription>, BusError> {
        Err(no_bus())
    }

    fn signals(&self) -> broadcast::Receiver<Signal> {
        broadcast::channel(1).1
    }

    async fn announce(&self, _: Announcement) -> Result<(), BusError> {
        Err(no_bus())
    }

    fn announcements(&self) -> broadcast::Receiver<Announcement> {
        broadcast::channel(1).1
    }

    async fn ping(&self) -> Result<(), BusError> {
        Err(no_bus())
    }

    async fn dead_letters(&self, _: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
        Err(no_bus())
    }

    async fn dead_letter_page(&self, _: Option<&str>, _: PageRequest) -> Result<Page<DeadLetter>, BusError> {
        Err(no_bus())
    }

    async fn dead_letter_counts(&self, _: &[&'static str]) -> Result<Vec<u64>, BusError> {
        Err(no_bus())
    }

    async fn dead_letter(&self, _: DeadLetterId) -> Result<DeadLetter, BusError> {
        Err(no_bus())
    }

    async fn replay(&self, _: DeadLetterId) -> Result<(), BusError> {
        Err(no_bus())
    }

    async fn discard(&self, _: DeadLetterId) -> Result<(), BusError> {
        Err(no_bus())
    }
}
