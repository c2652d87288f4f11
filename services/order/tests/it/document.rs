//! The OpenAPI document, and the public routes.

use std::path::Path;

use souk_kit::Service;
use souk_order::Order;
use souk_testkit::{assert_public_routes, holds_against_snapshot};

use crate::rig::Rig;

#[test]
fn the_document_is_the_committed_one() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&Order::openapi(), snapshot);
}

#[tokio::test]
async fn no_route_is_public() {
    let rig = Rig::new().await;
    assert_public_routes(&rig.started.client, &[]).await;
}
