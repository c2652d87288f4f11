//! Facts that the audit reads.

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
