//! The OpenAPI document and the routes that it lists as public.

use std::path::Path;

use souk_kit::Service as _;
use souk_notification::Notification;
use souk_testkit::{assert_public_routes, holds_against_snapshot};

use crate::rig::Rig;

#[test]
fn the_document_matches_the_snapshot() {
    holds_against_snapshot(&Notification::openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}

#[tokio::test]
async fn no_route_is_public() {
    let rig = Rig::new().await;
    assert_public_routes(&rig.started.client, &[]).await;
}
