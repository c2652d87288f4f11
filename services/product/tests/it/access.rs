//! Access by role, and the committed OpenAPI document.

use std::path::Path;

use serde_json::json;
use souk_kit::{Service as _, auth::Role};
use souk_product::Product;
use souk_testkit::{assert_public_routes, holds_against_snapshot};

use crate::shop::Shop;

#[tokio::test]
async fn only_catalogue_reads_are_public() {
    let shop = Shop::open().await;
    let public = [
        "GET /products",
        "GET /products/{productId}",
        "GET /products/{productId}/related",
        "GET /products/by-slug/{slug}",
        "GET /products/suggest",
        "GET /pictures/{pictureId}/{size}",
        "GET /categories",
    ];
    assert_public_routes(&shop.client, &public).await;
}

#[tokio::test]
async fn customers_and_services_change_nothing() {
    let shop = Shop::open().await;
    let body = shop.body("Kettle", 100, 1);
    for role in [Role::Customer, Role::Guest] {
        let client = shop.client.with_token(shop.world.token(7, role));
        client.post("/products", body.clone()).await.is_problem(403, "auth.forbidden");
        client.post("/products/import", json!({})).await.is_problem(403, "auth.forbidden");
        client.post("/products/1/picture", json!({})).await.is_problem(403, "auth.forbidden");
        client.post("/products/1/restore", json!({})).await.is_problem(403, "auth.forbidden");
        client.get("/products/1/movements").await.is_problem(403, "auth.forbidden");
        client.post("/categories", json!({"name": "X"})).await.is_problem(403, "auth.forbidden");
        client.post("/internal/products/quote", json!({"items": []})).await.is_problem(403, "auth.forbidden");
        client.get("/products?stockBelow=5").await.is_problem(403, "auth.forbidden");
    }
    shop.client.get("/products?stockBelow=5").await.is_problem(401, "auth.token_missing");
    let service = shop.client.with_token(shop.world.token("order", Role::Service));
    service.post("/products", body).await.is_problem(403, "auth.forbidden");
    assert!(shop.store.is_empty().await.unwrap());
}

#[test]
fn the_document_matches_the_snapshot() {
    holds_against_snapshot(&Product::openapi(), Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json")));
}
