//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::json;
use souk_kit::{Service as _, auth::Role};
use souk_payment::Payment;
use souk_testkit::withstands_any_text;

use crate::rig::Rig;

#[tokio::test]
async fn any_text_is_refused() {
    let rig = Rig::new().await;
    let order = rig.confirmed().order_id;
    let service = rig.service.client.with_token(rig.world.token("order", Role::Service));
    let clients = [rig.client(), rig.admin(), service];
    let params = [("orderId", json!(order)), ("provider", json!("sandbox"))];
    let accepted = withstands_any_text(&Payment::openapi(), &clients, &params).await;
    assert!(accepted.is_empty(), "{accepted:?}");
}
