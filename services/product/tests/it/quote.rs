//! Prices and stock for other services.

use serde_json::json;
use souk_kit::auth::Role;
use souk_peers::{ProductPeer, product::QuoteItem};
use souk_values::{Id, ProductId};

use crate::shop::Shop;

#[tokio::test]
async fn a_quote_has_the_order_of_the_request_without_products_not_sold() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 4_490, 40).await;
    let pot = shop.product("Pot", 1_000, 0).await;
    let gone = shop.product("Gone", 1, 1).await;
    shop.holding(gone).await.delete(&format!("/products/{gone}")).await.expect(204);
    let peer = ProductPeer::new(&shop.world.deps.peers, "order");
    let unknown = ProductId::new(5).unwrap();
    let items = [pot, unknown, gone, kettle].map(|product_id| QuoteItem { product_id, quantity: 2 });
    let quote = peer.quote(items.to_vec()).await.unwrap();
    let quoted: Vec<_> =
        quote.items.iter().map(|item| (item.product_id, item.price.minor, item.stock, item.revision)).collect();
    assert_eq!(quoted, [(pot, 1_000, 0, 1), (kettle, 4_490, 40, 1)]);
    assert_eq!(quote.items[0].name, "Pot");
}

#[tokio::test]
async fn a_quote_request_is_validated() {
    let shop = Shop::open().await;
    let peer = shop.client.with_token(shop.world.token("order", Role::Service));
    let quote = |items: serde_json::Value| {
        let peer = peer.clone();
        async move { peer.post("/internal/products/quote", json!({"items": items})).await }
    };
    quote(json!([])).await.expect(200);
    quote(json!([{"productId": 1, "quantity": 0}])).await.is_problem(422, "body.not_allowed");
    quote(json!([{"productId": 1, "quantity": 100}])).await.is_problem(422, "body.not_allowed");
    let twice = json!([{"productId": 1, "quantity": 1}, {"productId": 1, "quantity": 1}]);
    quote(twice).await.is_problem(422, "body.not_allowed");
    let many: Vec<_> = (1..=201).map(|id| json!({"productId": id, "quantity": 1})).collect();
    quote(json!(many)).await.is_problem(422, "body.not_allowed");
    quote(json!([{"productId": 1, "quantity": 1, "price": 1}])).await.is_problem(400, "body.invalid");
}
