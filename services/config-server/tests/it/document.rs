//! The OpenAPI document.

use std::path::Path;

use souk_testkit::holds_against_snapshot;

#[test]
fn the_document_is_as_committed() {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    holds_against_snapshot(&souk_config_server::openapi(), &snapshot);
}
