//! The OpenAPI document, public routes and metrics.

use std::path::Path;

use souk_kit::Service;
use souk_payment::Payment;
use souk_testkit::{assert_public_routes, holds_against_snapshot};

use crate::rig::Rig;

#[test]
fn the_openapi_document_matches_its_snapshot() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&Payment::openapi(), snapshot);
}

#[tokio::test]
async fn only_webhooks_are_public() {
    let rig = Rig::new().await;
    assert_public_routes(&rig.service.client, &["POST /payments/webhooks/{provider}"]).await;
}

#[tokio::test]
async fn every_series_exists_from_the_start() {
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
