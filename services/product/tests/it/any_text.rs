//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::json;
use souk_kit::{Service as _, auth::Role};
use souk_product::Product;
use souk_testkit::withstands_any_text;

use crate::shop::Shop;

#[tokio::test]
async fn any_text_is_refused_or_stored() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let service = shop.client.with_token(shop.world.token("order", Role::Service));
    let clients = [shop.client.clone(), shop.admin.clone(), service];
    let params = [
        ("productId", json!(id)),
        ("categoryId", json!(shop.category)),
        ("parentId", json!(null)),
        ("slug", json!("kettle")),
        ("size", json!("thumb")),
    ];
    let accepted = withstands_any_text(&Product::openapi(), &clients, &params).await;
    for operation in [
        "GET /products",
        "PATCH /categories/{categoryId}",
        "PATCH /products/{productId}",
        "POST /categories",
        "POST /products",
        "POST /products/{productId}/stock",
        "PUT /categories/{categoryId}",
        "PUT /products/{productId}",
    ] {
        assert!(accepted.contains(operation), "{operation} is not in {accepted:?}");
    }
}

#[tokio::test]
async fn texts_are_stored_trimmed_and_with_composed_letters() {
    let shop = Shop::open().await;
    let mut body = shop.body("  Cafe\u{301} \n", 100, 1);
    body["description"] = json!(" one\r\n\ttwo ");
    body["attributes"] = json!({" Colour ": " Bleu fonce\u{301} "});
    body["sku"] = json!(" A-1 ");
    body["slug"] = json!(" cafe\n");
    body["imageUrl"] = json!(" /a.png ");
    let made = shop.admin.post("/products", body).await.expect(201).json;
    assert_eq!((&made["name"], &made["sku"], &made["slug"]), (&json!("Café"), &json!("A-1"), &json!("cafe")));
    assert_eq!((&made["description"], &made["imageUrl"]), (&json!("one\n two"), &json!("/a.png")));
    assert_eq!(made["attributes"], json!({"Colour": "Bleu foncé"}));
    assert_eq!(shop.client.get("/products?q=cafe%CC%81").await.expect(200).json["total"], 1);
}
