//! Wakes requests and streams that wait for an order to change. A wake-up is only a hint and may be lost, so
//! waiters also read the store every second.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use souk_bus::Signal;
use souk_values::OrderId;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};
use tokio_util::sync::CancellationToken;

const POLL: Duration = Duration::from_secs(1);

/// The waiters for each order. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    by_order: Mutex<HashMap<OrderId, watch::Sender<()>>>,
    stopped: CancellationToken,
}

/// Waits for changes of one order. Subscribe before reading the order, or a change in between is missed.
#[derive(Debug)]
pub(crate) struct Waiter {
    order: OrderId,
    woken: watch::Receiver<()>,
    waiters: Waiters,
}

impl Waiters {
    pub(crate) fn subscribe(&self, order: OrderId) -> Waiter {
        let woken = self.0.by_order.lock().entry(order).or_default().subscribe();
        Waiter { order, woken, waiters: self.clone() }
    }

    pub(crate) fn wake(&self, order: OrderId) {
        if let Some(sender) = self.0.by_order.lock().get(&order) {
            sender.send_replace(());
        }
    }

    fn wake_all(&self) {
        for sender in self.0.by_order.lock().values() {
            sender.send_replace(());
        }
    }

    /// Wakes the waiters of orders that other replicas changed, until `stop`; that ends every wait.
    pub(crate) async fn run(self, mut signals: broadcast::Receiver<Signal>, stop: CancellationToken) {
        loop {
            let signal = tokio::select! { () = stop.cancelled() => break, signal = signals.recv() => signal };
            match signal {
                Ok(signal) if signal.event_type.starts_with("order.") => {
                    if let Ok(order) = signal.subject.parse() {
                        self.wake(order);
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.wake_all(),
                Err(RecvError::Closed) => stop.cancelled().await,
            }
        }
        self.0.stopped.cancel();
    }
}

impl Waiter {
    /// Waits until the order may have changed. Returns false if the service stops.
    pub(crate) async fn changed(&mut self) -> bool {
        // Real time on purpose: the pace of polling is not business logic.
        tokio::select! {
            _ = self.woken.changed() => true,
            () = tokio::time::sleep(POLL) => true,
            () = self.waiters.0.stopped.cancelled() => false,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut by_order = self.waiters.0.by_order.lock();
        // This waiter's own receiver still counts. No other can be added meanwhile: `subscribe` takes the same lock.
        let is_last = by_order.get(&self.order).is_some_and(|sender| sender.receiver_count() <= 1);
        if is_last {
            by_order.remove(&self.order);
        }
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[tokio::test]
    async fn a_wake_up_between_subscribing_and_waiting_is_not_missed_and_nothing_is_left_behind() {
        let waiters = Waiters::default();
        let order = OrderId::new(7).unwrap();
        let mut first = waiters.subscribe(order);
        let mut second = waiters.subscribe(order);
        waiters.wake(order);
        let both = async { first.changed().await && second.changed().await };
        assert!(tokio::time::timeout(POLL / 2, both).await.unwrap());
        drop(first);
        assert_eq!(waiters.0.by_order.lock().len(), 1);
        drop(second);
        assert!(waiters.0.by_order.lock().is_empty());
    }

    #[tokio::test]
    async fn stopping_ends_every_wait() {
        let waiters = Waiters::default();
        let (_sender, signals) = broadcast::channel(1);
        let stop = CancellationToken::new();
        let running = tokio::spawn(waiters.clone().run(signals, stop.clone()));
        let mut waiter = waiters.subscribe(OrderId::new(7).unwrap());
        stop.cancel();
        running.await.unwrap();
        assert!(!waiter.changed().await);
    }
}
