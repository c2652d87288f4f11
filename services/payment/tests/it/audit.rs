//! What audit reads, and what the service refuses to start with.

use serde_json::json;
use souk_kit::StartError;
use souk_payment::{PaymentConfig, audit};
use souk_testkit::{World, eventually};

use crate::rig::{PRICE, Rig, config};

#[tokio::test]
async fn audit_reads_rows_and_ledger_beside_the_running_service() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    rig.refund(&paid["paymentId"], "r", Some(500)).await.expect(200);
    eventually("every event is published", || async { rig.facts().await.outbox_pending == 0 }).await;
    let mut facts = serde_json::to_value(rig.facts().await).unwrap();
    let refund = facts["payments"][0]["refunds"][0]["refund_id"].take();
    let in_ledger = facts["ledger"][1]["key"].take();
    assert_eq!(refund, in_ledger);
    let money = |minor: i64| json!({"amount": minor, "currency": "EUR"});
    assert_eq!(
        facts,
        json!({
            "payments": [{
                "payment_id": paid["paymentId"], "order_id": order.order_id, "status": "succeeded",
                "amount": money(PRICE), "captured": true,
                "refunds": [{"refund_id": null, "amount": money(500), "status": "succeeded"}]
            }],
            "ledger": [
                {"kind": "capture", "key": paid["paymentId"], "payment_id": paid["paymentId"],
                    "order_id": order.order_id, "amount": money(PRICE)},
                {"kind": "refund", "key": null, "payment_id": paid["paymentId"],
                    "order_id": order.order_id, "amount": money(500)},
            ],
            "outbox_pending": 0
        })
    );
}

#[tokio::test]
async fn a_store_that_is_not_there_is_a_failure_and_is_not_made() {
    let world = World::new().await;
    let url = world.store_url("nothing");
    assert!(audit::read(&url, None).await.is_err());
    assert!(!world.folder.path().join("nothing.db").exists());
}

#[tokio::test]
async fn every_mistake_of_the_configuration_is_told() {
    let world = World::new().await;
    let wrong = PaymentConfig { provider_time_limit_ms: 0, settle_every_ms: 0, settle_after_ms: 0, ..config(&world) };
    match souk_payment::build(wrong, &world.deps).await {
        Err(StartError::Config(mistakes)) => assert_eq!(mistakes.0.len(), 3),
        other => panic!("{other:?}"),
    }
}
