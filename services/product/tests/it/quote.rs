//! What peers are told of prices.

use serde_json::json;
use souk_kit::auth::Role;
use souk_peers::{ProductPeer, product::QuoteItem};
use souk_values::{Id, ProductId};

use crate::shop::Shop;

#[tokio::test]
async fn the_quote_is_in_the_order_asked_without_what_is_not_sold() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 4_490, 40).await;
    let pot = shop.product("Pot", 1_000, 0).await;
    let gone = shop.product("Gone", 1, 1).await;
    shop.holding(gone).await.delete(&format!("/products/{gone}")).await.expect(204);
    let peer = ProductPeer::new(&shop.world.deps.peers, "order");
    let unknown = ProductId::new(5).unwrap();
    let asked = [pot, unknown, gone, kettle].map(|product_id| QuoteItem { product_id, quantity: 2 });
    let quote = peer.quote(asked.to_vec()).await.unwrap();
    let told: Vec<_> =
        quote.items.iter().map(|item| (item.product_id, item.price.minor, item.stock, item.revision)).collect();
    assert_eq!(told, [(pot, 1_000, 0, 1), (kettle, 4_490, 40, 1)]);
    assert_eq!(quote.items[0].name, "Pot");
}

#[tokio::test]
async fn a_quote_keeps_its_rules() {
    let shop = Shop::open().await;
    let peer = shop.client.with_token(shop.world.token("order", Role::Service));
    let ask = |items: serde_json::Value| {
        let peer = peer.clone();
        async move { peer.post("/internal/products/quote", json!({"items": items})).await }
    };
    ask(json!([])).await.expect(200);
    ask(json!([{"productId": 1, "quantity": 0}])).await.is_problem(422, "body.not_allowed");
    ask(json!([{"productId": 1, "quantity": 100}])).await.is_problem(422, "body.not_allowed");
    let twice = json!([{"productId": 1, "quantity": 1}, {"productId": 1, "quantity": 1}]);
    ask(twice).await.is_problem(422, "body.not_allowed");
    let many: Vec<_> = (1..=201).map(|id| json!({"productId": id, "quantity": 1})).collect();
    ask(json!(many)).await.is_problem(422, "body.not_allowed");
    ask(json!([{"productId": 1, "quantity": 1, "price": 1}])).await.is_problem(400, "body.invalid");
}
