//! The OpenAPI document and the pages for people.

use std::path::Path;

use souk_discovery::Discovery;
use souk_kit::Service;
use souk_testkit::{World, holds_against_snapshot};

use crate::rig::{config, serve};

#[test]
fn the_document_is_the_committed_one() {
    holds_against_snapshot(&Discovery::openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}

#[tokio::test]
async fn the_pages_list_instances_and_cancellations() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    server.register("shop", "a<b>").await;
    server.register("shop", "cancelled").await;
    server.delete("apps/shop/cancelled").await.expect(200);
    let page = server.client.get("/").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.text.contains("SHOP") && page.text.contains("a&lt;b&gt;") && !page.text.contains("a<b>"));
    let last = server.client.get("/lastn").await.expect(200).text;
    assert!(last.contains("<td class=\"id\">cancelled</td>"));
    server.client.get("/health/ready").await.expect(200);
    let metrics = server.client.get("/metrics").await.expect(200).text;
    assert!(metrics.contains("eureka_evictions_total"), "{metrics}");
}
