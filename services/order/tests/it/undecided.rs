//! Orders whose stock answer does not come.

use souk_events::{OrderCancelled, OrderConfirmed, queue};

use crate::rig::{Rig, rejected, reserved};

/// Seconds for product's answer.
const DECIDE_WITHIN: u64 = 900;

#[tokio::test]
async fn an_order_without_an_answer_about_its_stock_is_cancelled_at_its_deadline_and_not_before() {
    let mut rig = Rig::new().await;
    let prepaid = rig.placed("prepaid").await;
    let on_delivery = rig.placed("onDelivery").await;
    rig.advance(DECIDE_WITHIN - 60);
    // A confirmation of another order shows that the service has caught up.
    let confirmed = rig.confirmed("prepaid").await;
    assert_eq!(rig.order(prepaid).await["status"], "created");
    rig.advance(60);
    for id in [prepaid, on_delivery] {
        let order = rig.until(id, "cancelled").await;
        assert_eq!((order["cancelReason"].as_str(), order["version"].as_i64()), (Some("undecided"), Some(2)));
        assert_eq!(rig.steps(id).await, ["created", "cancelled"]);
    }
    assert_eq!(rig.order(confirmed).await["status"], "confirmed");
    assert_eq!(rig.shop.payment_queries.load(std::sync::atomic::Ordering::SeqCst), 0);
    for queue in [&queue::PRODUCT_ORDERS, &queue::CART_ORDERS, &queue::PAYMENT_ORDERS, &queue::NOTIFICATION_ORDERS] {
        let events = rig.published::<OrderCancelled>(queue, 2).await;
        assert_eq!(events.len(), 2, "{}", queue.name);
    }
    let metrics = rig.started.client.get("/metrics").await.text;
    let series = metrics.lines().find(|line| line.contains("orders_cancelled_total") && line.contains("undecided"));
    assert!(series.is_some(), "{metrics}");
}

#[tokio::test]
async fn an_answer_after_the_deadline_changes_nothing() {
    let mut rig = Rig::new().await;
    for is_reserved in [true, false] {
        let id = rig.placed("prepaid").await;
        rig.advance(DECIDE_WITHIN);
        rig.until(id, "cancelled").await;
        if is_reserved {
            rig.world.publish(&reserved(id)).await;
        } else {
            rig.world.publish(&rejected(id)).await;
        }
        rig.confirmed("prepaid").await;
        let order = rig.order(id).await;
        assert_eq!((order["cancelReason"].as_str(), order["version"].as_i64()), (Some("undecided"), Some(2)));
        assert!(order.get("refusedLines").is_none());
    }
}

#[tokio::test]
async fn of_a_concurrent_answer_and_deadline_exactly_one_wins() {
    let mut rig = Rig::new().await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(rig.placed("prepaid").await);
    }
    rig.advance(DECIDE_WITHIN);
    for id in &ids {
        rig.world.publish(&reserved(*id)).await;
    }
    let mut confirmed = 0;
    for id in &ids {
        souk_testkit::eventually("it is settled", || async { rig.order(*id).await["status"] != "created" }).await;
        let steps = rig.steps(*id).await;
        assert_eq!(steps.len(), 2, "{steps:?}");
        confirmed += usize::from(steps[1] == "confirmed");
    }
    if confirmed > 0 {
        assert_eq!(rig.published::<OrderConfirmed>(&queue::PAYMENT_ORDERS, confirmed).await.len(), confirmed);
    }
}

#[tokio::test]
async fn answers_that_waited_while_the_service_was_stopped_still_count() {
    let rig = Rig::new().await;
    let answered = rig.placed("prepaid").await;
    let silent = rig.placed("prepaid").await;
    let mut rig = rig
        .restarted(async |world| {
            world.clock.advance(std::time::Duration::from_secs(DECIDE_WITHIN * 4));
        })
        .await;
    // The service looks for due orders as soon as it starts; the answer is delivered after that.
    rig.confirmed("prepaid").await;
    assert_eq!(rig.order(answered).await["status"], "created");
    rig.world.publish(&reserved(answered)).await;
    rig.until(answered, "confirmed").await;
    rig.advance(31);
    assert_eq!(rig.until(silent, "cancelled").await["cancelReason"], "undecided");
    assert_eq!(rig.order(answered).await["status"], "confirmed");
}
