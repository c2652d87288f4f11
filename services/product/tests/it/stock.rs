//! Corrections of stock by admins.

use serde_json::json;
use souk_events::{StockBack, StockLow, queue};

use crate::shop::{Shop, assert_balanced};

#[tokio::test]
async fn a_correction_with_one_key_happens_once() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 10).await;
    let path = format!("/products/{id}/stock");
    let body = json!({"delta": -4, "reason": "Broken"});
    let responses = futures::future::join_all((0..8).map(|_| shop.admin.post_keyed(&path, "k", body.clone()))).await;
    for response in responses {
        assert_eq!(response.expect(200).json["stock"], 6);
    }
    shop.admin
        .post_keyed(&path, "k", json!({"delta": 1, "reason": "x"}))
        .await
        .is_problem(422, "idempotency_key.reused");
    let other = shop.product("Pot", 100, 10).await;
    shop.admin
        .post_keyed(&format!("/products/{other}/stock"), "k", body)
        .await
        .is_problem(422, "idempotency_key.reused");
    assert_eq!(shop.stock(other).await, 10);
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!(facts.products.iter().map(|product| product.adjusted).sum::<i64>(), -4);
}

#[tokio::test]
async fn stock_never_goes_below_zero() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 2).await;
    let path = format!("/products/{id}/stock");
    shop.admin.post_keyed(&path, "k", json!({"delta": -3, "reason": "x"})).await.is_problem(409, "stock.out_of_range");
    shop.admin.post_keyed(&path, "k", json!({"delta": -2, "reason": "x"})).await.expect(200);
    shop.admin.post_keyed(&path, "l", json!({"delta": 1_000_000_000_000_i64, "reason": "x"})).await.expect(200);
    shop.admin.post_keyed(&path, "m", json!({"delta": 1, "reason": "x"})).await.is_problem(409, "stock.out_of_range");
    shop.admin.post(&path, json!({"delta": 1, "reason": "x"})).await.is_problem(400, "idempotency_key.required");
    for body in [
        json!({"delta": 0, "reason": "x"}),
        json!({"delta": 1, "reason": ""}),
        json!({"delta": i64::MIN, "reason": "x"}),
    ] {
        shop.admin.post_keyed(&path, "n", body).await.is_problem(422, "body.not_allowed");
    }
    shop.admin.post_keyed(&path, "n", json!({"delta": 1.5, "reason": "x"})).await.is_problem(400, "body.invalid");
    shop.admin
        .post_keyed("/products/5/stock", "n", json!({"delta": 1, "reason": "x"}))
        .await
        .is_problem(404, "product.not_found");
    assert_balanced(&shop.facts().await);
}

#[tokio::test]
async fn low_stock_and_its_return_are_published_once() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 7).await;
    let path = format!("/products/{id}/stock");
    for (key, delta) in [("a", -1), ("b", -1), ("c", -1), ("d", -4), ("e", 9), ("f", -5)] {
        shop.admin.post_keyed(&path, key, json!({"delta": delta, "reason": "x"})).await.expect(200);
    }
    shop.outbox_is_empty().await;
    let low = shop.world.waiting::<StockLow>(&queue::NOTIFICATION_PRODUCTS).await;
    assert_eq!(low.iter().map(|event| event.stock).collect::<Vec<_>>(), [5, 4]);
    let back = shop.world.waiting::<StockBack>(&queue::CART_PRODUCTS).await;
    assert_eq!(back.iter().map(|event| (event.stock, event.price.minor)).collect::<Vec<_>>(), [(9, 100)]);
}
