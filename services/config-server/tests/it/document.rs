//! Test of the OpenAPI document.

use std::path::Path;

use souk_config_server::ConfigServer;
use souk_kit::Service;
use souk_testkit::holds_against_snapshot;

#[test]
fn the_document_matches_its_snapshot() {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    holds_against_snapshot(&ConfigServer::openapi(), &snapshot);
}
