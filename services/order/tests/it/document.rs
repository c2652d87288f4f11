//! The OpenAPI document, and what is public.

use std::path::Path;

use souk_testkit::{holds_against_snapshot, only_public};

use crate::rig::Rig;

#[test]
fn the_document_is_the_committed_one() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&souk_order::openapi(), snapshot);
}

#[tokio::test]
async fn nothing_is_public() {
    let rig = Rig::new().await;
    only_public(&rig.started.client, &[]).await;
}
