//! Facts that the audit reads, and its result.

use std::sync::Arc;

use serde_json::{Value, json};
use souk_bus::Announcement;
use souk_order::{AuditRound, AuditViolation, AuditedInvariant};
use souk_testkit::eventually;
use souk_values::{Id, PaymentId};

use crate::rig::{Rig, euro};

#[tokio::test]
async fn the_audit_reads_the_facts_while_the_service_runs() {
    let rig = Rig::new().await;
    let url = rig.world.store_url("order");
    let shipped = rig.shipped("prepaid").await;
    let cancelled = rig.placed("onDelivery").await;
    rig.act(&rig.client, cancelled, "cancel").await.expect(200);
    eventually("everything is published", || async {
        souk_order::audit::read(&url).await.unwrap().outbox_pending == 0
    })
    .await;
    let facts = souk_order::audit::read(&url).await.unwrap();
    assert_eq!((facts.orders.len(), facts.repeated_effects), (2, 0));
    let fact = |id| facts.orders.iter().find(|fact| fact.order_id == id).unwrap();
    let fact_of_shipped = fact(shipped);
    assert!(fact_of_shipped.is_confirmed && fact_of_shipped.is_paid && fact_of_shipped.is_shipped);
    assert_eq!((fact_of_shipped.status.as_str(), fact_of_shipped.version), ("shipped", 4));
    assert_eq!((fact_of_shipped.total, fact_of_shipped.payment_id), (euro(4_498), PaymentId::new(1).ok()));
    let fact_of_cancelled = fact(cancelled);
    assert!(fact_of_cancelled.is_cancelled && !fact_of_cancelled.is_confirmed && !fact_of_cancelled.is_paid);
    assert!(souk_order::audit::read("sqlite:/nowhere/order.db").await.is_err());
}

#[tokio::test]
async fn admins_see_the_latest_round_that_was_announced() {
    let rig = Rig::new().await;
    rig.client.get("/orders/audit").await.is_problem(403, "auth.forbidden");
    let latest = async || rig.admin.get("/orders/audit").await.expect(200).json["latest"].clone();
    assert_eq!(latest().await, Value::Null);
    let deps = &rig.world.deps;
    let read_at = deps.clock.now();
    let announce = async |violations: u64| {
        let round = AuditRound {
            read_at,
            invariants: vec![AuditedInvariant { invariant: 8, statement: "all is paid".to_owned(), violations }],
            violations: vec![AuditViolation { invariant: 8, subject: "order 17".to_owned(), detail: "not".to_owned() }],
        };
        deps.transport.announce(round.announcement(&deps.ids)).await.unwrap();
    };
    announce(2).await;
    eventually("the round is seen", || async { latest().await["invariants"][0]["violations"] == 2 }).await;
    let seen = latest().await;
    assert_eq!(seen["violations"], json!([{"invariant": 8, "subject": "order 17", "detail": "not"}]));
    assert_eq!(seen["readAt"], json!(read_at));
    // Of other kinds, or of another version.
    for foreign in
        [json!({"type": "RefreshRemoteApplicationEvent"}), json!({"type": "SoukAuditRemoteApplicationEvent"})]
    {
        deps.transport.announce(Announcement(Arc::new(foreign))).await.unwrap();
    }
    announce(0).await;
    eventually("the next one too", || async { latest().await["invariants"][0]["violations"] == 0 }).await;
}
