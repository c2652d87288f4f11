//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::json;
use souk_cart::Cart;
use souk_kit::Service as _;
use souk_testkit::withstands_any_text;

use crate::shop::Shop;

#[tokio::test]
async fn any_text_is_refused() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let params = [("productId", json!(1)), ("userId", json!(shop.user))];
    let clients = [shop.me(), shop.order_service(), shop.admin()];
    let accepted = withstands_any_text(&Cart::openapi(), &clients, &params).await;
    assert!(accepted.contains("POST /internal/carts/{userId}/ordered"), "{accepted:?}");
}
