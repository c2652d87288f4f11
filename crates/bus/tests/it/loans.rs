//! The local bus makes no copy of an event whose outbox keeps it, and its outbox keeps it until every queue has applied it.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use souk_bus::{Delivery, Keeper, Outbox, SqlOutbox, Subscription, Transport, Verdict, outbox, relay};
use souk_events::{Envelope, Queue, queue};
use souk_sql::SqlError;
use souk_testkit::eventually;
use uuid::Uuid;

use crate::Bench;

/// Records what it learns.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<Uuid>>);

impl Keeper for Recorder {
    fn settled(&self, event: Uuid) {
        self.0.lock().push(event);
    }
}

struct Lender {
    bench: Bench,
    recorder: Arc<Recorder>,
}

impl Lender {
    async fn new() -> Self {
        Self { bench: Bench::local().await, recorder: Arc::default() }
    }

    /// Subscribes to `queue` and waits until it has read what is stored, which is nothing: then it takes loans.
    async fn subscribe(&self, queue: &'static Queue) -> Box<dyn Subscription> {
        let mut subscription = self.bench.bus.subscribe(queue).await.unwrap();
        let nothing = tokio::time::timeout(Duration::from_millis(100), subscription.next(1)).await;
        assert!(nothing.is_err(), "{nothing:?}");
        subscription
    }

    /// Lends `envelopes`, and returns those that their outbox has to keep.
    async fn lend(&self, envelopes: &[Envelope]) -> Vec<Uuid> {
        let keeper: Arc<dyn Keeper> = self.recorder.clone();
        let mut kept = Vec::new();
        for part in envelopes.chunks(250) {
            let lent = self.bench.bus.lend(part, &keeper).await.unwrap();
            assert_eq!(lent.kept.len() + lent.confirmed.len(), part.len());
            kept.extend(lent.kept);
        }
        kept
    }

    fn settled(&self) -> Vec<Uuid> {
        self.recorder.0.lock().clone()
    }

    /// Returns the number of messages in the store of the bus.
    async fn stored(&self) -> u64 {
        self.bench.waiting().await
    }
}

async fn next(subscription: &mut dyn Subscription) -> Delivery {
    let next = tokio::time::timeout(Duration::from_secs(10), subscription.next(1)).await;
    next.expect("a message is due").unwrap().remove(0)
}

#[tokio::test]
async fn a_lent_event_is_stored_in_no_queue_and_settled_by_the_last_of_them() {
    let lender = Lender::new().await;
    let queues = [&queue::PRODUCT_ORDERS, &queue::PAYMENT_ORDERS, &queue::NOTIFICATION_ORDERS];
    let mut subscriptions = Vec::new();
    for queue in queues {
        subscriptions.push(lender.subscribe(queue).await);
    }
    let shipped = Envelope { event_type: "order.shipped.v1".to_owned(), ..lender.bench.reserved(1) };
    assert_eq!(lender.lend(std::slice::from_ref(&shipped)).await, [shipped.id]);
    for subscription in &mut subscriptions {
        assert!(lender.settled().is_empty());
        let delivery = next(&mut **subscription).await;
        assert_eq!(delivery.envelope, shipped);
        subscription.settle(vec![(delivery, Verdict::Ack)]).await.unwrap();
    }
    assert_eq!(lender.settled(), [shipped.id]);
    assert_eq!(lender.stored().await, 0);
}

#[tokio::test]
async fn a_message_that_is_retried_later_is_stored_with_its_attempts_before_its_event_is_settled() {
    let lender = Lender::new().await;
    let mut subscription = lender.subscribe(&queue::ORDER_STOCK).await;
    let envelope = lender.bench.reserved(1);
    lender.lend(std::slice::from_ref(&envelope)).await;
    let delivery = next(&mut *subscription).await;
    let later = Verdict::Retry { after: Duration::from_secs(60) };
    subscription.settle(vec![(delivery, later)]).await.unwrap();
    assert_eq!((lender.settled(), lender.stored().await), (vec![envelope.id], 1));

    lender.bench.clock.advance(Duration::from_secs(61));
    let another = lender.bench.another().await;
    let mut after_a_restart = another.subscribe(&queue::ORDER_STOCK).await.unwrap();
    let delivery = next(&mut *after_a_restart).await;
    assert_eq!((&delivery.envelope, delivery.attempts), (&envelope, 1));
    after_a_restart.settle(vec![(delivery, Verdict::Ack)]).await.unwrap();
    eventually("its row is removed", || async { lender.stored().await == 0 }).await;
    assert_eq!(lender.settled(), [envelope.id], "once");
}

#[tokio::test]
async fn a_postponed_message_stays_on_loan_and_a_dead_one_is_a_letter() {
    let lender = Lender::new().await;
    let mut subscription = lender.subscribe(&queue::ORDER_STOCK).await;
    let envelope = lender.bench.reserved(1);
    lender.lend(std::slice::from_ref(&envelope)).await;
    let delivery = next(&mut *subscription).await;
    subscription.settle(vec![(delivery, Verdict::Postpone)]).await.unwrap();
    assert_eq!((lender.settled(), lender.stored().await), (Vec::new(), 0));
    let delivery = next(&mut *subscription).await;
    subscription.settle(vec![(delivery, Verdict::Dead { error: "poison".to_owned() })]).await.unwrap();
    let letters = lender.bench.bus.dead_letters(None).await.unwrap();
    assert_eq!((letters.len(), lender.settled()), (1, vec![envelope.id]));
}

#[tokio::test]
async fn what_memory_does_not_hold_is_stored_and_all_is_delivered_once_and_in_order() {
    let lender = Lender::new().await;
    let mut subscription = lender.subscribe(&queue::ORDER_STOCK).await;
    let envelopes: Vec<Envelope> = (1..=2_500).map(|order| lender.bench.reserved(order)).collect();
    let kept = lender.lend(&envelopes).await;
    assert!((1_024..1_300).contains(&kept.len()), "{}", kept.len());
    let all: Vec<Uuid> = envelopes.iter().map(|envelope| envelope.id).collect();
    assert_eq!(kept, all[..kept.len()]);
    assert_eq!(lender.stored().await, u64::try_from(all.len() - kept.len()).unwrap());
    let mut delivered = Vec::new();
    while delivered.len() < all.len() {
        let deliveries = subscription.next(64).await.unwrap();
        delivered.extend(deliveries.iter().map(|delivery| delivery.envelope.id));
        subscription.settle(deliveries.into_iter().map(|delivery| (delivery, Verdict::Ack)).collect()).await.unwrap();
    }
    assert_eq!(delivered, all);
    assert_eq!(lender.settled(), kept);
    eventually("their rows are removed", || async { lender.stored().await == 0 }).await;
}

/// The outbox of a service, as its relay sees it, and a restart in which nothing of the memory is left.
#[tokio::test]
async fn an_event_that_no_queue_has_applied_is_delivered_after_a_restart() {
    let lender = Lender::new().await;
    let mut subscription = lender.subscribe(&queue::ORDER_STOCK).await;
    let bench = &lender.bench;
    let start_relay = |transport: Arc<dyn Transport>| {
        let stored: Arc<dyn Outbox> = Arc::new(SqlOutbox::new(bench.db.clone()));
        tokio::spawn(relay("order", stored, transport, bench.clock.clone(), bench.stop.child_token()))
    };
    let relaying = start_relay(bench.bus.clone());
    let (first, second) = (bench.reserved(1), bench.reserved(2));
    let both = vec![first.clone(), second.clone()];
    let written = bench.db.write(both, |tx, both| Box::pin(async move { outbox::add(tx, both).await }));
    written.await.unwrap();
    let delivery = next(&mut *subscription).await;
    assert_eq!(delivery.envelope.id, first.id);
    subscription.settle(vec![(delivery, Verdict::Ack)]).await.unwrap();
    let unpublished = || async { SqlOutbox::new(bench.db.clone()).unpublished(9).await.unwrap() };
    eventually("the applied one is removed", || async { unpublished().await == [second.clone()] }).await;
    assert_eq!(lender.stored().await, 0);

    relaying.abort();
    let another = bench.another().await;
    let mut after_a_restart = another.subscribe(&queue::ORDER_STOCK).await.unwrap();
    start_relay(another.clone());
    let delivery = next(&mut *after_a_restart).await;
    assert_eq!(delivery.envelope.id, second.id);
    after_a_restart.settle(vec![(delivery, Verdict::Ack)]).await.unwrap();
    eventually("the outbox is empty", || async { unpublished().await.is_empty() }).await;
    bench.stop.cancel();
}

/// A transaction that is rolled back leaves nothing, whoever reads the outbox.
#[tokio::test]
async fn a_rolled_back_event_is_not_lent() {
    let lender = Lender::new().await;
    let mut subscription = lender.subscribe(&queue::ORDER_STOCK).await;
    let bench = &lender.bench;
    let stored: Arc<dyn Outbox> = Arc::new(SqlOutbox::new(bench.db.clone()));
    tokio::spawn(relay("order", stored, bench.bus.clone(), bench.clock.clone(), bench.stop.clone()));
    let (refused, kept) = (bench.reserved(1), bench.reserved(2));
    let write = |envelope: &Envelope, then: Result<(), SqlError>| {
        bench.db.write((vec![envelope.clone()], then), |tx, (envelopes, then)| {
            Box::pin(async move {
                outbox::add(tx, envelopes).await?;
                then.clone()
            })
        })
    };
    // In one group, which is rolled back and runs again.
    let (first, second) = tokio::join!(write(&kept, Ok(())), write(&refused, Err(SqlError::Constraint("no".into()))));
    first.unwrap();
    second.unwrap_err();
    let delivery = next(&mut *subscription).await;
    assert_eq!(delivery.envelope.id, kept.id);
    subscription.settle(vec![(delivery, Verdict::Ack)]).await.unwrap();
    let nothing = tokio::time::timeout(Duration::from_millis(100), subscription.next(1)).await;
    assert!(nothing.is_err(), "{nothing:?}");
    bench.stop.cancel();
}
