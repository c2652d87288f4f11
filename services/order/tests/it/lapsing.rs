//! Orders that are not paid in time, for every answer that payment may give.

use std::sync::atomic::Ordering;

use souk_events::{OrderCancelled, OrderPaid, queue};
use souk_kit::Service;
use souk_order::{Order, OrderConfig};
use souk_peers::payment::PaymentState;
use souk_testkit::eventually;
use souk_values::{Id, RefundId};

use crate::rig::{NOTHING_PAID, Rig, euro};

impl Rig {
    fn set_payment_state(&self, state: Option<PaymentState>) {
        *self.shop.payment.lock().unwrap() = state;
    }

    fn payment_queries(&self) -> usize {
        self.shop.payment_queries.load(Ordering::SeqCst)
    }

    async fn until_queried(&self, times: usize) {
        eventually("payment is queried", || async { self.payment_queries() >= times }).await;
    }
}

#[tokio::test]
async fn an_unpaid_order_lapses_thirty_seconds_after_its_deadline_and_not_before() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let kept = rig.confirmed("onDelivery").await;
    rig.advance(1_800);
    // A confirmation of another order shows that the service has caught up.
    rig.confirmed("prepaid").await;
    assert_eq!((rig.payment_queries(), rig.order(id).await["status"].as_str()), (0, Some("confirmed")));
    rig.advance(30);
    let order = rig.until(id, "cancelled").await;
    assert_eq!(order["cancelReason"], "unpaid");
    assert_eq!(rig.order(kept).await["status"], "confirmed");
    assert_eq!(rig.payment_queries(), 1);
    let events = rig.published::<OrderCancelled>(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!((events.len(), events[0].order.order_id), (1, id));
}

#[tokio::test]
async fn payment_is_queried_again_while_it_is_processing_or_unavailable() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    rig.set_payment_state(Some(PaymentState { processing: true, ..NOTHING_PAID }));
    rig.advance(1_831);
    rig.until_queried(1).await;
    rig.set_payment_state(None);
    rig.advance(11);
    rig.until_queried(2).await;
    assert_eq!(rig.order(id).await["status"], "confirmed");
    rig.set_payment_state(Some(NOTHING_PAID));
    // The breaker may be open; after its pause both it and the service retry.
    rig.advance(60);
    assert_eq!(rig.until(id, "cancelled").await["cancelReason"], "unpaid");
}

#[tokio::test]
async fn a_capture_without_an_event_pays_once() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let capture = rig.succeeded(id, 5);
    rig.set_payment_state(Some(PaymentState { captured: Some(capture.clone()), ..NOTHING_PAID }));
    rig.advance(1_831);
    let order = rig.until(id, "paid").await;
    assert_eq!(order["paidAt"].as_str(), Some(capture.captured_at.to_string().as_str()));
    // Its event arrives late.
    rig.world.publish(&capture).await;
    rig.paid("prepaid").await;
    assert_eq!(rig.order(id).await["version"], 3);
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "paid"]);
    let events = rig.published::<OrderPaid>(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!(events.iter().filter(|event| event.order.order_id == id).count(), 1);
    rig.advance(3_600);
    rig.confirmed("prepaid").await;
    assert_eq!(rig.payment_queries(), 1, "no query about a paid order");
}

#[tokio::test]
async fn a_refunded_capture_cancels_the_order_once() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let captured = Some(rig.succeeded(id, 5));
    let refund = RefundId::new(1).unwrap();
    let state = PaymentState { captured, refunded: Some(euro(4_498)), full_refund: Some(refund), ..NOTHING_PAID };
    rig.set_payment_state(Some(state));
    rig.advance(1_831);
    assert_eq!(rig.until(id, "cancelled").await["cancelReason"], "refunded");
    rig.world.publish(&rig.refunded(id, 5, 1, true)).await;
    rig.world.publish(&rig.succeeded(id, 5)).await;
    rig.confirmed("prepaid").await;
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "cancelled"]);
}

#[tokio::test]
async fn a_partly_refunded_capture_still_pays() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let captured = Some(rig.succeeded(id, 5));
    rig.set_payment_state(Some(PaymentState { captured, processing: true, refunded: Some(euro(1)), ..NOTHING_PAID }));
    rig.advance(1_831);
    rig.until(id, "paid").await;
}

#[tokio::test]
async fn of_three_replicas_one_queries_and_cancels_once() {
    let mut rig = Rig::new().await;
    let store_url = rig.world.store_url("order");
    let mut others = Vec::new();
    for _ in 0..2 {
        let config = OrderConfig { store_url: store_url.clone(), ..OrderConfig::default() };
        let replica = Order::build(config, &rig.world.deps).await.unwrap();
        others.push(rig.world.serve(replica).await);
    }
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(rig.confirmed("prepaid").await);
    }
    rig.advance(1_831);
    for id in &ids {
        let order = rig.until(*id, "cancelled").await;
        assert_eq!((order["cancelReason"].as_str(), order["version"].as_i64()), (Some("unpaid"), Some(3)));
    }
    let all_published = || async { souk_order::audit::read(&store_url).await.unwrap().outbox_pending == 0 };
    eventually("all events are published", all_published).await;
    for id in &ids {
        assert_eq!(rig.steps(*id).await, ["created", "confirmed", "cancelled"]);
    }
    let mut events: Vec<_> = rig.published::<OrderCancelled>(&queue::PAYMENT_ORDERS, ids.len()).await;
    events.sort_by_key(|event| event.order.order_id);
    ids.sort_unstable();
    assert_eq!(events.iter().map(|event| event.order.order_id).collect::<Vec<_>>(), ids, "each is published once");
    assert_eq!(rig.payment_queries(), 10);
    for other in others {
        assert!(other.running.stop().await);
    }
}

#[tokio::test]
async fn while_payment_is_away_or_processing_the_queries_about_an_order_become_rarer() {
    // A call that fails is retried by the client, at most twice.
    let states = [(Some(PaymentState { processing: true, ..NOTHING_PAID }), 1), (None, 3)];
    for (state, calls) in states {
        let mut rig = Rig::new().await;
        let id = rig.confirmed("prepaid").await;
        rig.set_payment_state(state);
        rig.advance(1_831);
        rig.until_queried(1).await;
        for _ in 0..120 {
            rig.advance(30);
            // The shift wakes the task; a step of another order gives it the time to run.
            rig.confirmed("onDelivery").await;
        }
        // An hour holds 11 to 18 pauses of at most 10, 20, 40, ... 320, 600, 600, ... s and at least half of that. A pause
        // of constant length would make 120 queries.
        let queries = rig.payment_queries();
        assert!((8..=19 * calls).contains(&queries) || calls > 1 && queries <= 19 * calls, "{queries}");
        assert_eq!(rig.order(id).await["status"], "confirmed");
        rig.set_payment_state(Some(NOTHING_PAID));
        // The breaker may be open; after its pause both it and the service retry.
        rig.advance(601);
        eventually("it lapses", || async {
            rig.world.clock.advance(std::time::Duration::from_secs(1));
            let admin = rig.started.client.with_token(rig.world.admin());
            admin.get(&format!("/orders/{id}")).await.json["status"] == "cancelled"
        })
        .await;
    }
}
