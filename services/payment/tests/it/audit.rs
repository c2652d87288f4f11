//! The audit's facts, and configurations that the service refuses to start with.

use serde_json::json;
use souk_kit::{Service, StartError};
use souk_payment::{Payment, PaymentConfig, audit};
use souk_testkit::{World, eventually};

use crate::rig::{PRICE, Rig, config};

#[tokio::test]
async fn the_audit_reads_rows_and_ledger_while_the_service_runs() {
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
async fn a_missing_store_is_an_error_and_is_not_created() {
    let world = World::new().await;
    let url = world.store_url("nothing");
    assert!(audit::read(&url, None).await.is_err());
    assert!(!world.folder.path().join("nothing.db").exists());
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_reported() {
    let world = World::new().await;
    let wrong = PaymentConfig { provider_time_limit_ms: 0, settle_every_ms: 0, settle_after_ms: 0, ..config(&world) };
    match Payment::build(wrong, &world.deps).await {
        Err(StartError::Config(mistakes)) => assert_eq!(mistakes.0.len(), 3),
        other => panic!("{other:?}"),
    }
}
