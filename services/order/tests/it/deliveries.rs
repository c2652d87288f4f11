//! Events that arrive late, twice, or out of order.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use souk_bus::Failure;
use souk_events::{Envelope, OrderCancelled, OrderConfirmed, OrderPaid, queue};
use souk_values::OrderId;

use crate::rig::{Rig, euro, rejected, reserved};

impl Rig {
    /// Delivers `envelope` to its consumer, as the bus would.
    pub async fn deliver(&self, envelope: &Envelope) -> Result<souk_bus::Outcome, Failure> {
        let index = usize::from(envelope.event_type.starts_with("payment."));
        self.consumers[index].handle(envelope.clone()).await
    }

    /// All events about one order, each twice.
    fn all_events_twice(&self, id: OrderId) -> Vec<Envelope> {
        let world = &self.world;
        let once = [
            world.envelope(&reserved(id)),
            world.envelope(&self.failed(id, 4)),
            world.envelope(&self.succeeded(id, 5)),
            world.envelope(&self.refunded(id, 5, 1, false)),
        ];
        once.iter().chain(&once).cloned().collect()
    }
}

#[tokio::test]
async fn shuffled_and_repeated_events_take_effect_once() {
    let rig = Rig::new().await;
    let mut rng = StdRng::seed_from_u64(20_260_131);
    for _ in 0..12 {
        let id = rig.placed("prepaid").await;
        let mut envelopes = rig.all_events_twice(id);
        envelopes.shuffle(&mut rng);
        for envelope in &envelopes {
            rig.deliver(envelope).await.unwrap();
        }
        // A capture before the confirmation had no effect. Payment is queried later, which a new event stands for here.
        rig.deliver(&rig.world.envelope(&rig.succeeded(id, 5))).await.unwrap();
        let mut steps = rig.steps(id).await;
        steps[1..].sort_unstable();
        assert_eq!(steps, ["created", "confirmed", "paid", "payment_failed", "refunded"]);
        let order = rig.order(id).await;
        assert_eq!((order["status"].as_str().unwrap(), order["version"].as_i64().unwrap()), ("paid", 5));
    }
    let confirmed = rig.published::<OrderConfirmed>(&queue::NOTIFICATION_ORDERS, 12).await;
    let paid = rig.published::<OrderPaid>(&queue::NOTIFICATION_ORDERS, 12).await;
    assert_eq!((confirmed.len(), paid.len()), (12, 12));
}

#[tokio::test]
async fn of_two_contradictory_stock_events_the_first_counts() {
    let rig = Rig::new().await;
    for (first, status) in [(true, "confirmed"), (false, "cancelled")] {
        let id = rig.placed("prepaid").await;
        let yes = rig.world.envelope(&reserved(id));
        let no = rig.world.envelope(&rejected(id));
        let order = if first { [&yes, &no, &yes, &no] } else { [&no, &yes, &no, &yes] };
        for envelope in order {
            rig.deliver(envelope).await.unwrap();
        }
        let order = rig.order(id).await;
        assert_eq!((order["status"].as_str().unwrap(), order["version"].as_i64().unwrap()), (status, 2));
    }
}

#[tokio::test]
async fn a_refund_that_overtakes_its_capture_cancels_the_order() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    rig.deliver(&rig.world.envelope(&rig.refunded(id, 5, 1, true))).await.unwrap();
    rig.deliver(&rig.world.envelope(&rig.succeeded(id, 5))).await.unwrap();
    rig.deliver(&rig.world.envelope(&rig.refunded(id, 5, 1, true))).await.unwrap();
    let order = rig.order(id).await;
    assert_eq!((order["status"].as_str(), order["cancelReason"].as_str()), (Some("cancelled"), Some("refunded")));
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "cancelled"]);
}

#[tokio::test]
async fn a_late_payment_of_a_cancelled_order_changes_nothing() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    rig.act(&rig.client, id, "cancel").await.expect(200);
    rig.deliver(&rig.world.envelope(&rig.succeeded(id, 5))).await.unwrap();
    let order = rig.order(id).await;
    assert_eq!((order["status"].as_str(), order["version"].as_i64()), (Some("cancelled"), Some(3)));
    assert!(order.get("paidAt").is_none());
    rig.deliver(&rig.world.envelope(&rig.refunded(id, 5, 1, true))).await.unwrap();
    let order = rig.order(id).await;
    assert_eq!(order["cancelReason"], "customer");
    assert!(order["refundedAt"].is_string());
    let events = rig.published::<OrderCancelled>(&queue::PRODUCT_ORDERS, 1).await;
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn concurrent_deliveries_of_one_event_take_effect_once() {
    let rig = Rig::new().await;
    let id = rig.placed("prepaid").await;
    let confirm = rig.world.envelope(&reserved(id));
    let outcomes = futures::future::join_all((0..8).map(|_| rig.deliver(&confirm))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(souk_bus::Outcome::Applied)).count(), 1);
    // The same capture in eight different events.
    let captures: Vec<_> = (0..8).map(|_| rig.world.envelope(&rig.succeeded(id, 5))).collect();
    let outcomes = futures::future::join_all(captures.iter().map(|envelope| rig.deliver(envelope))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(souk_bus::Outcome::Applied)).count(), 1);
    // The same failure and the same partial refund, each in several events one after another.
    for _ in 0..3 {
        rig.deliver(&rig.world.envelope(&rig.failed(id, 4))).await.unwrap();
        rig.deliver(&rig.world.envelope(&rig.refunded(id, 5, 1, false))).await.unwrap();
    }
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "paid", "payment_failed", "refunded"]);
}

#[tokio::test]
async fn of_concurrent_cancellation_and_payment_exactly_one_wins() {
    let rig = Rig::new().await;
    for payment in 0..10 {
        let id = rig.confirmed("prepaid").await;
        let capture = rig.world.envelope(&rig.succeeded(id, payment + 1));
        let (answer, paid) = futures::join!(rig.act(&rig.client, id, "cancel"), rig.deliver(&capture));
        paid.unwrap();
        let status = rig.order(id).await["status"].as_str().unwrap().to_owned();
        assert_eq!(status, if answer.status == 200 { "cancelled" } else { "paid" });
        assert_eq!(rig.steps(id).await.len(), 3);
    }
}

#[tokio::test]
async fn an_impossible_event_becomes_a_dead_letter_and_one_of_an_unknown_order_is_ignored() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let mut too_little = rig.succeeded(id, 5);
    too_little.amount = euro(1);
    let failure = rig.deliver(&rig.world.envelope(&too_little)).await.unwrap_err();
    assert!(matches!(failure, Failure::Handling(_)), "{failure:?}");
    assert_eq!(rig.order(id).await["status"], "confirmed");
    let unknown = rig.world.deps.ids.next();
    assert_eq!(rig.deliver(&rig.world.envelope(&reserved(unknown))).await, Ok(souk_bus::Outcome::Ignored));
    let mut damaged = rig.world.envelope(&reserved(id));
    damaged.data = souk_events::Payload::of(&serde_json::json!({"orderId": "x"})).unwrap();
    assert!(matches!(rig.deliver(&damaged).await, Err(Failure::Handling(_))));
}
