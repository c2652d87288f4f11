//! Wakes requests and streams that wait for an order to change. They then read the store, and do so
//! every second anyway: a wake-up may be missed, a change may not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use souk_bus::Signal;
use souk_values::OrderId;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};
use tokio_util::sync::CancellationToken;

/// How often whoever waits looks at the store though nobody woke it.
const LOOK: Duration = Duration::from_secs(1);

/// Who waits for which order. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiters(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    waiting: Mutex<HashMap<OrderId, watch::Sender<()>>>,
    closed: CancellationToken,
}

/// A wait for one order's next change. Begin it before reading the order.
#[derive(Debug)]
pub(crate) struct Waiting {
    order: OrderId,
    woken: watch::Receiver<()>,
    waiters: Waiters,
}

impl Waiters {
    /// Begins to wait for `order`.
    pub(crate) fn wait_for(&self, order: OrderId) -> Waiting {
        let woken = self.waiting().entry(order).or_default().subscribe();
        Waiting { order, woken, waiters: self.clone() }
    }

    /// Wakes whoever waits for `order`.
    pub(crate) fn wake(&self, order: OrderId) {
        if let Some(waiting) = self.waiting().get(&order) {
            waiting.send_replace(());
        }
    }

    fn wake_all(&self) {
        for waiting in self.waiting().values() {
            waiting.send_replace(());
        }
    }

    /// Passes on what other replicas tell, until `stop`; then nobody waits any longer.
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
        self.0.closed.cancel();
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<OrderId, watch::Sender<()>>> {
        // The map is whole after each statement, so poison means nothing here.
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits until the order may have changed. False: the service stops, so answer with what there is.
    pub(crate) async fn changed(&mut self) -> bool {
        // Real time on purpose: the pace of looking, not a term of the business.
        tokio::select! {
            _ = self.woken.changed() => true,
            () = tokio::time::sleep(LOOK) => true,
            () = self.waiters.0.closed.cancelled() => false,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waiting = self.waiters.waiting();
        let is_last = waiting.get(&self.order).is_some_and(|sender| sender.receiver_count() <= 1);
        if is_last {
            waiting.remove(&self.order);
        }
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[tokio::test]
    async fn a_wake_up_between_asking_and_waiting_is_not_missed_and_nothing_is_left_behind() {
        let waiters = Waiters::default();
        let order = OrderId::new(7).unwrap();
        let mut first = waiters.wait_for(order);
        let mut second = waiters.wait_for(order);
        waiters.wake(order);
        let both = async { first.changed().await && second.changed().await };
        assert!(tokio::time::timeout(LOOK / 2, both).await.unwrap());
        drop(first);
        assert_eq!(waiters.waiting().len(), 1);
        drop(second);
        assert!(waiters.waiting().is_empty());
    }

    #[tokio::test]
    async fn stopping_ends_every_wait() {
        let waiters = Waiters::default();
        let (_sender, signals) = broadcast::channel(1);
        let stop = CancellationToken::new();
        let running = tokio::spawn(waiters.clone().run(signals, stop.clone()));
        let mut waiting = waiters.wait_for(OrderId::new(7).unwrap());
        stop.cancel();
        running.await.unwrap();
        assert!(!waiting.changed().await);
    }
}
