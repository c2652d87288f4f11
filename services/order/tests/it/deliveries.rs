//! Events that come late, twice, or out of turn.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use souk_bus::Failure;
use souk_events::{Envelope, OrderCancelled, OrderConfirmed, OrderPaid, queue};
use souk_values::OrderId;

use crate::rig::{Rig, euro, rejected, reserved};

impl Rig {
    /// Hands `envelope` to its consumer, as the bus would.
    async fn deliver(&self, envelope: &Envelope) -> Result<souk_bus::Outcome, Failure> {
        let index = usize::from(envelope.event_type.starts_with("payment."));
        self.consumers[index].handle(envelope.clone()).await
    }

    /// Everything that could be told of one order, each twice.
    fn everything(&self, id: OrderId) -> Vec<Envelope> {
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
async fn shuffled_and_repeated_every_effect_is_once() {
    let rig = Rig::new().await;
    let mut rng = StdRng::seed_from_u64(20_260_131);
    for _ in 0..12 {
        let id = rig.placed("prepaid").await;
        let mut envelopes = rig.everything(id);
        envelopes.shuffle(&mut rng);
        for envelope in &envelopes {
            rig.deliver(envelope).await.unwrap();
        }
        // What came before its time changed nothing; payment is asked about it later, so tell it again anew.
        rig.deliver(&rig.world.envelope(&rig.succeeded(id, 5))).await.unwrap();
        let mut steps = rig.steps(id).await;
        steps[1..].sort_unstable();
        assert_eq!(steps, ["created", "confirmed", "paid", "payment_failed", "refunded"]);
        let order = rig.order(id).await;
        assert_eq!((order["status"].as_str().unwrap(), order["version"].as_i64().unwrap()), ("paid", 5));
    }
    let confirmed = rig.told::<OrderConfirmed>(&queue::NOTIFICATION_ORDERS, 12).await;
    let paid = rig.told::<OrderPaid>(&queue::NOTIFICATION_ORDERS, 12).await;
    assert_eq!((confirmed.len(), paid.len()), (12, 12));
}

#[tokio::test]
async fn of_two_answers_about_stock_the_first_counts() {
    let rig = Rig::new().await;
    for (first, status) in [(true, "confirmed"), (false, "cancelled")] {
        let id = rig.placed("prepaid").await;
        let (yes, no) = (rig.world.envelope(&reserved(id)), rig.world.envelope(&rejected(id)));
        let order = if first { [&yes, &no, &yes, &no] } else { [&no, &yes, &no, &yes] };
        for envelope in order {
            rig.deliver(envelope).await.unwrap();
        }
        let order = rig.order(id).await;
        assert_eq!((order["status"].as_str().unwrap(), order["version"].as_i64().unwrap()), (status, 2));
    }
}

#[tokio::test]
async fn a_refund_that_overtakes_its_capture_ends_the_order() {
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
    let told = rig.told::<OrderCancelled>(&queue::PRODUCT_ORDERS, 1).await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn at_the_same_time_the_same_event_has_one_effect() {
    let rig = Rig::new().await;
    let id = rig.placed("prepaid").await;
    let confirm = rig.world.envelope(&reserved(id));
    let outcomes = futures::future::join_all((0..8).map(|_| rig.deliver(&confirm))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(souk_bus::Outcome::Applied)).count(), 1);
    // The same capture told by eight different events.
    let captures: Vec<_> = (0..8).map(|_| rig.world.envelope(&rig.succeeded(id, 5))).collect();
    let outcomes = futures::future::join_all(captures.iter().map(|envelope| rig.deliver(envelope))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Ok(souk_bus::Outcome::Applied)).count(), 1);
    // The same failure, and the same partial return, told by different events one after another.
    for _ in 0..3 {
        rig.deliver(&rig.world.envelope(&rig.failed(id, 4))).await.unwrap();
        rig.deliver(&rig.world.envelope(&rig.refunded(id, 5, 1, false))).await.unwrap();
    }
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "paid", "payment_failed", "refunded"]);
}

#[tokio::test]
async fn cancelling_and_paying_at_once_end_in_one_of_the_two() {
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
async fn what_cannot_be_is_put_aside_and_what_is_unknown_is_ignored() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let mut too_little = rig.succeeded(id, 5);
    too_little.amount = euro(1);
    let failure = rig.deliver(&rig.world.envelope(&too_little)).await.unwrap_err();
    assert!(matches!(failure, Failure::Message(_)), "{failure:?}");
    assert_eq!(rig.order(id).await["status"], "confirmed");
    let nobodys = rig.world.deps.ids.next();
    assert_eq!(rig.deliver(&rig.world.envelope(&reserved(nobodys))).await, Ok(souk_bus::Outcome::Ignored));
    let mut damaged = rig.world.envelope(&reserved(id));
    damaged.data = serde_json::json!({"orderId": "x"});
    assert!(matches!(rig.deliver(&damaged).await, Err(Failure::Message(_))));
}
