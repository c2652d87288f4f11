//! The API as documented.

use std::path::Path;

use souk_notification::openapi;
use souk_testkit::{holds_against_snapshot, only_public};

use crate::rig::Rig;

#[test]
fn the_document_is_the_committed_one() {
    holds_against_snapshot(&openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}

#[tokio::test]
async fn nothing_is_public() {
    let rig = Rig::new().await;
    only_public(&rig.started.client, &[]).await;
}
