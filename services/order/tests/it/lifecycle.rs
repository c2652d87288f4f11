//! Transitions by customers and admins, and the events that they publish.

use serde_json::json;
use souk_events::{OrderCancelled, OrderConfirmed, OrderDelivered, OrderPaid, OrderShipped, queue};
use souk_testkit::eventually;
use souk_values::Id;

use crate::rig::{Rig, reserved, shipment};

#[tokio::test]
async fn a_prepaid_order_is_confirmed_paid_shipped_and_delivered() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let confirmed = rig.order(id).await;
    assert!(confirmed["payBy"].as_str().unwrap() > confirmed["confirmedAt"].as_str().unwrap());
    rig.act(&rig.admin, id, "ship").await.is_problem(409, "order.not_shippable");
    rig.act(&rig.admin, id, "deliver").await.is_problem(409, "order.not_deliverable");
    rig.world.publish(&rig.failed(id, 5)).await;
    rig.until_step(id, "payment_failed").await;
    rig.world.publish(&rig.succeeded(id, 6)).await;
    rig.until(id, "paid").await;
    rig.act(&rig.client, id, "cancel").await.is_problem(409, "order.not_cancellable");
    let shipped = rig.act(&rig.admin, id, "ship").await.expect(200);
    assert_eq!(shipped.header("etag"), "\"v5\"");
    rig.act(&rig.admin, id, "ship").await.is_problem(409, "order.not_shippable");
    rig.act(&rig.admin, id, "cancel").await.is_problem(409, "order.not_cancellable");
    let delivered = rig.act(&rig.admin, id, "deliver").await.expect(200).json;
    assert_eq!((&delivered["status"], &delivered["version"]), (&json!("delivered"), &json!(6)));
    rig.act(&rig.admin, id, "deliver").await.is_problem(409, "order.not_deliverable");
    assert_eq!(rig.steps(id).await, ["created", "confirmed", "payment_failed", "paid", "shipped", "delivered"]);
    let timeline = rig.client.get(&format!("/orders/{id}/timeline")).await.json;
    assert_eq!(timeline["total"], 6);
    assert_eq!(timeline["items"][2]["detail"], json!({"paymentId": 5, "failureCode": "card_declined"}));
    assert_eq!(timeline["items"][3]["cause"], "payment.succeeded/6");
    assert_eq!(timeline["items"][4]["detail"], shipment());
    assert_eq!(rig.published::<OrderConfirmed>(&queue::PAYMENT_ORDERS, 1).await[0].order.version, 2);
    let paid = rig.published::<OrderPaid>(&queue::PAYMENT_ORDERS, 1).await;
    assert_eq!((paid.len(), paid[0].order.version), (1, 4));
    assert_eq!(rig.published::<OrderShipped>(&queue::PAYMENT_ORDERS, 1).await[0].tracking_number, "0034");
    assert_eq!(rig.published::<OrderDelivered>(&queue::PAYMENT_ORDERS, 1).await.len(), 1);
}

#[tokio::test]
async fn an_order_on_delivery_may_be_paid_at_any_milestone() {
    let rig = Rig::new().await;
    let id = rig.shipped("onDelivery").await;
    assert_eq!(rig.order(id).await["status"], "shipped");
    assert!(rig.order(id).await.get("payBy").is_none());
    rig.world.publish(&rig.succeeded(id, 1)).await;
    rig.until(id, "paid").await;
    assert_eq!(rig.act(&rig.admin, id, "deliver").await.expect(200).json["status"], "delivered");

    let late = rig.shipped("onDelivery").await;
    rig.act(&rig.admin, late, "deliver").await.expect(200);
    rig.world.publish(&rig.succeeded(late, 2)).await;
    rig.until_step(late, "paid").await;
    let order = rig.order(late).await;
    assert_eq!(order["status"], "delivered");
    assert!(order["paidAt"].is_string());

    let early = rig.paid("onDelivery").await;
    let order = rig.act(&rig.admin, early, "ship").await.expect(200).json;
    assert_eq!(order["status"], "paid");
    assert!(order["shippedAt"].is_string());
    rig.act(&rig.admin, early, "cancel").await.is_problem(409, "order.not_cancellable");
}

#[tokio::test]
async fn customers_cancel_until_paid_and_admins_until_shipped() {
    let rig = Rig::new().await;
    let created = rig.placed("prepaid").await;
    let order = rig.act(&rig.client, created, "cancel").await.expect(200).json;
    assert_eq!((&order["status"], &order["cancelReason"]), (&json!("cancelled"), &json!("customer")));
    rig.act(&rig.client, created, "cancel").await.is_problem(409, "order.not_cancellable");
    let confirmed = rig.confirmed("onDelivery").await;
    rig.client.send(reqwest::Method::POST, &format!("/orders/{confirmed}/cancel"), None).await.expect(200);
    let paid = rig.paid("prepaid").await;
    rig.act(&rig.client, paid, "cancel").await.is_problem(409, "order.not_cancellable");
    let order = rig.act(&rig.admin, paid, "cancel").await.expect(200).json;
    assert_eq!(order["cancelReason"], "admin");
    // A late reservation has no effect; the event of the cancellation releases it.
    rig.world.publish(&reserved(created)).await;
    let settled = rig.confirmed("prepaid").await;
    assert_eq!(rig.order(created).await["version"], 2);
    let events = rig.published::<OrderCancelled>(&queue::PRODUCT_ORDERS, 3).await;
    assert_eq!(events.iter().map(|event| event.order.order_id).collect::<Vec<_>>(), [created, confirmed, paid]);
    assert_ne!(settled, created);
}

#[tokio::test]
async fn another_customers_order_is_not_found() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    let stranger = rig.started.client.with_token(rig.world.customer(rig.world.user()));
    for path in ["", "/timeline", "/stream"] {
        stranger.get(&format!("/orders/{id}{path}")).await.is_problem(404, "order.not_found");
        rig.admin.get(&format!("/orders/{}{path}", id.get() + 1)).await.is_problem(404, "order.not_found");
    }
    rig.act(&stranger, id, "cancel").await.is_problem(404, "order.not_found");
    for act in ["ship", "deliver"] {
        rig.act(&rig.client, id, act).await.is_problem(403, "auth.forbidden");
    }
    assert_eq!(rig.order(id).await["status"], "confirmed");
    assert_eq!(rig.admin.get(&format!("/orders/{id}")).await.expect(200).header("etag"), "\"v2\"");
}

#[tokio::test]
async fn refunds_are_recorded_and_a_full_one_cancels_an_unshipped_order() {
    let rig = Rig::new().await;
    let id = rig.paid("prepaid").await;
    rig.world.publish(&rig.refunded(id, 1, 1, false)).await;
    rig.until_step(id, "refunded").await;
    assert_eq!(rig.order(id).await["status"], "paid");
    assert!(rig.order(id).await.get("refundedAt").is_none());
    rig.world.publish(&rig.refunded(id, 1, 2, true)).await;
    let order = rig.until(id, "cancelled").await;
    assert_eq!(order["cancelReason"], "refunded");
    assert!(order["refundedAt"].is_string());

    let shipped = rig.shipped("prepaid").await;
    rig.world.publish(&rig.refunded(shipped, 1, 3, true)).await;
    rig.until_step(shipped, "refunded").await;
    assert_eq!(rig.order(shipped).await["status"], "shipped");
    assert!(rig.order(shipped).await["refundedAt"].is_string());
}

#[tokio::test]
async fn an_order_whose_refund_came_back_is_not_refunded_until_another_succeeds() {
    let rig = Rig::new().await;
    let id = rig.shipped("prepaid").await;
    rig.world.publish(&rig.refunded(id, 1, 1, true)).await;
    rig.until_step(id, "refunded").await;
    rig.world.publish(&rig.refund_failed(id, 1, 1)).await;
    rig.until_step(id, "refund_failed").await;
    assert!(rig.order(id).await.get("refundedAt").is_none());
    rig.world.publish(&rig.refunded(id, 1, 2, true)).await;
    eventually("it is refunded again", || async { rig.order(id).await.get("refundedAt").is_some() }).await;
    // Another refund, whose failure arrives before its success.
    rig.deliver(&rig.world.envelope(&rig.refund_failed(id, 1, 3))).await.unwrap();
    rig.deliver(&rig.world.envelope(&rig.refunded(id, 1, 3, true))).await.unwrap();
    assert!(rig.order(id).await.get("refundedAt").is_none());
}

#[tokio::test]
async fn the_late_capture_of_a_failed_payment_is_not_this_orders_money() {
    let rig = Rig::new().await;
    let id = rig.confirmed("prepaid").await;
    rig.world.publish(&rig.failed(id, 5)).await;
    rig.until_step(id, "payment_failed").await;
    rig.world.publish(&rig.refunded(id, 5, 1, true)).await;
    rig.until_step(id, "refunded").await;
    assert_eq!(rig.order(id).await["status"], "confirmed");
    rig.world.publish(&rig.succeeded(id, 6)).await;
    rig.until(id, "paid").await;
}
