//! Headers that keep browsers from misusing responses.

use axum::{Router, routing::get};
use http::header;
use souk_gateway::GatewayConfig;
use souk_testkit::World;

use crate::rig::Rig;

fn data() -> Router {
    let kept = [(header::CACHE_CONTROL, "public, max-age=1")];
    Router::new().route("/orders", get(|| async { "{}" })).route("/products", get(move || async move { (kept, "{}") }))
}

#[tokio::test]
async fn data_is_neither_kept_nor_shown_as_a_page() {
    let rig = Rig::new().await;
    for name in ["order", "product"] {
        rig.world.fake_peer(name, data()).await;
    }
    let orders = rig.customer().get("/api/orders").await.expect(200);
    assert_eq!(orders.header("x-content-type-options"), "nosniff");
    assert_eq!(orders.header("cache-control"), "no-store");
    assert!(orders.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(orders.header("strict-transport-security"), "");
    // A service's own decision stays.
    assert_eq!(rig.client.get("/api/products").await.expect(200).header("cache-control"), "public, max-age=1");
}

#[tokio::test]
async fn a_shop_with_tls_is_never_reached_without() {
    let mut world = World::new().await;
    world.deps.shop.public_url = "https://shop.example".to_owned();
    let rig = Rig::within(world, GatewayConfig::default(), |_| {}).await;
    rig.world.fake_peer("product", data()).await;
    for path in ["/api/products", "/", "/health/live", "/api/nowhere"] {
        let answer = rig.client.get(path).await;
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000; includeSubDomains", "{path}");
    }
}
