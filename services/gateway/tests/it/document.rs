//! The OpenAPI document of the gateway's own endpoints.

use std::path::Path;

use souk_gateway::Gateway;
use souk_kit::Service;
use souk_testkit::holds_against_snapshot;

#[test]
fn the_document_is_the_committed_one() {
    holds_against_snapshot(&Gateway::openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}
