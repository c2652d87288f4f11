//! The document, and who may call what.

use std::path::Path;

use souk_testkit::{holds_against_snapshot, only_public};

use crate::rig::Rig;

#[test]
fn the_document_is_the_committed_one() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&souk_payment::openapi(), snapshot);
}

#[tokio::test]
async fn only_webhooks_are_public() {
    let rig = Rig::new().await;
    only_public(&rig.service.client, &["POST /payments/webhooks/{provider}"]).await;
}

#[tokio::test]
async fn every_series_is_shown_from_the_start() {
    let rig = Rig::new().await;
    let metrics = rig.service.client.get("/metrics").await.text;
    for series in [
        "payment_success_total{service=\"payment\"}",
        "payment_refunds_total{service=\"payment\"}",
        "payment_failure_total{service=\"payment\",reason=\"card_declined\"}",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    rig.service.client.get("/health/ready").await.expect(200);
}
