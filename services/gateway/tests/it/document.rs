//! The gateway's own document.

use std::path::Path;

use souk_testkit::holds_against_snapshot;

#[test]
fn the_document_is_the_committed_one() {
    holds_against_snapshot(&souk_gateway::openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}
