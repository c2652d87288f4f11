//! Orders that are not paid in time, in every branch of what payment may say.

use std::sync::atomic::Ordering;

use souk_events::{OrderCancelled, OrderPaid, queue};
use souk_order::OrderConfig;
use souk_peers::payment::PaymentState;
use souk_testkit::eventually;

use crate::rig::{NOTHING_PAID, Rig, euro};

impl Rig {
    fn payment_says(&self, state: Option<PaymentState>) {
        *self.shop.payment.lock().unwrap() = state;
    }

    fn times_asked(&self) -> usize {
        self.shop.payment_asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        eventually("payment is asked", || async { self.times_asked() >= times }).await;
    }
}

#[tokio::test]
async fn an_unpaid_order_lapses_thirty_seconds_after_its_time_and_not_before() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let kept = rig.confirmed("onDelivery").await;
    rig.advance(1_800);
    // Another order's way shows that the service has gone on meanwhile.
    rig.confirmed("prepaid").await;
    assert_eq!((rig.times_asked(), rig.order(id).await["status"].as_str()), (0, Some("confirmed")));
    rig.advance(30);
    let order = rig.until(id, "cancelled").await;
    assert_eq!(order["cancelReason"], "unpaid");
    assert_eq!(rig.order(kept).await["status"], "confirmed");
    assert_eq!(rig.times_asked(), 1);
    let told = rig.told::<OrderCancelled>(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!((told.len(), told[0].order.order_id), (1, id));
}

#[tokio::test]
async fn while_a_payment_is_under_way_or_payment_is_away_it_is_asked_again() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    rig.payment_says(Some(PaymentState { processing: true, ..NOTHING_PAID }));
    rig.advance(1_831);
    rig.until_asked(1).await;
    rig.payment_says(None);
    rig.advance(11);
    rig.until_asked(2).await;
    assert_eq!(rig.order(id).await["status"], "confirmed");
    rig.payment_says(Some(NOTHING_PAID));
    // The breaker may have opened; it tries again in a while, and so does the service.
    rig.advance(60);
    assert_eq!(rig.until(id, "cancelled").await["cancelReason"], "unpaid");
}

#[tokio::test]
async fn a_capture_that_nobody_told_of_pays_once() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let capture = rig.succeeded(id, 5);
    rig.payment_says(Some(PaymentState { captured: Some(capture.clone()), ..NOTHING_PAID }));
    rig.advance(1_831);
    let order = rig.until(id, "paid").await;
    assert_eq!(order["paidAt"].as_str(), Some(capture.captured_at.to_string().as_str()));
    // Its event comes after all.
    rig.world.publish(&capture).await;
    rig.paid("prepaid").await;
    assert_eq!(rig.order(id).await["version"], 3);
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "paid"]);
    let told = rig.told::<OrderPaid>(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!(told.iter().filter(|event| event.order.order_id == id).count(), 1);
    rig.advance(3_600);
    rig.confirmed("prepaid").await;
    assert_eq!(rig.times_asked(), 1, "a paid order is not asked about");
}

#[tokio::test]
async fn a_capture_that_went_back_ends_the_order_once() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let captured = Some(rig.succeeded(id, 5));
    rig.payment_says(Some(PaymentState { captured, processing: false, refunded: Some(euro(4_498)) }));
    rig.advance(1_831);
    assert_eq!(rig.until(id, "cancelled").await["cancelReason"], "refunded");
    rig.world.publish(&rig.refunded(id, 5, 1, true)).await;
    rig.world.publish(&rig.succeeded(id, 5)).await;
    rig.confirmed("prepaid").await;
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "cancelled"]);
}

#[tokio::test]
async fn a_partly_returned_capture_is_a_capture() {
    let mut rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let captured = Some(rig.succeeded(id, 5));
    rig.payment_says(Some(PaymentState { captured, processing: true, refunded: Some(euro(1)) }));
    rig.advance(1_831);
    rig.until(id, "paid").await;
}

#[tokio::test]
async fn of_three_replicas_one_asks_and_cancels_once() {
    let mut rig = Rig::new().await;
    let store_url = rig.world.store_url("order");
    let mut others = Vec::new();
    for _ in 0..2 {
        let config = OrderConfig { store_url: store_url.clone(), ..OrderConfig::default() };
        let replica = souk_order::build(config, &rig.world.deps).await.unwrap();
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
    let is_told = || async { souk_order::audit::read(&store_url).await.unwrap().outbox_pending == 0 };
    eventually("all is told", is_told).await;
    for id in &ids {
        assert_eq!(rig.steps(*id).await, ["created", "confirmed", "cancelled"]);
    }
    let mut told: Vec<_> = rig.told::<OrderCancelled>(&queue::PAYMENT_ORDERS, ids.len()).await;
    told.sort_by_key(|event| event.order.order_id);
    ids.sort_unstable();
    assert_eq!(told.iter().map(|event| event.order.order_id).collect::<Vec<_>>(), ids, "each is told of once");
    assert_eq!(rig.times_asked(), 10);
    for other in others {
        assert!(other.running.stop().await);
    }
}
