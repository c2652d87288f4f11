//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::json;
use souk_gateway::{Gateway, GatewayConfig, RateLimitConfig};
use souk_kit::Service as _;
use souk_testkit::withstands_any_text;

use crate::rig::Rig;

#[tokio::test]
async fn any_text_is_refused_or_counted() {
    // All of it comes from one address.
    let rate_limit = RateLimitConfig { enabled: false, ..RateLimitConfig::default() };
    let rig = Rig::with(GatewayConfig { rate_limit, ..GatewayConfig::default() }).await;
    let admin = rig.client.with_token(rig.world.admin());
    let accepted =
        withstands_any_text(&Gateway::openapi(), &[rig.client.clone(), admin], &[("document", json!("order.json"))])
            .await;
    assert!(accepted.contains("POST /api/visits"), "{accepted:?}");
}
