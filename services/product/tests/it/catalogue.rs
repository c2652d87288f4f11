//! Products: created, shown, edited, deleted.

use reqwest::Method;
use serde_json::json;
use souk_events::{ProductChanged, queue};

use crate::shop::{Shop, assert_balanced};

#[tokio::test]
async fn a_product_is_created_and_shown() {
    let shop = Shop::open().await;
    let mut body = shop.body("Copper Sauté Pan", 12_900, 7);
    body["attributes"] = json!({"Brand": "Ostra"});
    body["imageUrl"] = json!("/pictures/pan.svg");
    let made = shop.admin.post("/products", body).await.expect(201);
    assert_eq!(made.json["slug"], "copper-saute-pan");
    assert_eq!(made.json["price"], json!({"amount": 12_900, "currency": "EUR"}));
    let path = format!("/products/{}", made.json["productId"]);
    assert_eq!(made.header("location"), path);
    assert_eq!(shop.admin.get(&path).await.expect(200).json, made.json);
    let shown = shop.client.get(&path).await.expect(200);
    assert_eq!(shown.json["name"], "Copper Sauté Pan");
    assert_eq!(shown.header("etag"), "\"v1.7\"");
    assert_eq!(shown.header("cache-control"), "public, max-age=1, stale-if-error=300");
    assert_eq!(shop.client.get("/products/by-slug/copper-saute-pan").await.expect(200).json, shown.json);
    for tag in ["\"v1.7\"", "W/\"v1.7\"", "W/\"v1.7-gzip\"", "\"x\", \"v1.7\"", "*"] {
        let again = shop.client.with_header("if-none-match", tag).get(&path).await.expect(304);
        assert_eq!((again.text.as_str(), again.header("etag")), ("", "\"v1.7\""));
    }
    shop.client.with_header("if-none-match", "\"v1.6\"").get(&path).await.expect(200);
    assert_balanced(&shop.facts().await);
}

#[tokio::test]
async fn a_formatted_description_is_kept_safe_and_as_text() {
    let shop = Shop::open().await;
    let mut body = shop.body("Kettle", 4_490, 1);
    body["description"] = json!("ignored");
    body["descriptionHtml"] = json!("<p onclick=\"x()\">Two <b>litres</b>.</p><script>alert(1)</script>");
    let made = shop.admin.post("/products", body).await.expect(201).json;
    assert_eq!(made["description"], "Two litres.");
    assert_eq!(made["descriptionHtml"], "<p>Two <b>litres</b>.</p>");
    let path = format!("/products/{}", made["productId"]);
    let mut version = 1;
    let mut edit = async |change| {
        let edited = shop.admin.with_header("if-match", format!("\"v{version}\"")).patch(&path, change).await;
        version += 1;
        let edited = edited.expect(200).json;
        (edited["description"].as_str().unwrap().to_owned(), edited["descriptionHtml"].as_str().map(str::to_owned))
    };
    let formatted = |text: &str, html: &str| (text.to_owned(), Some(html.to_owned()));
    let list = "<ul><li>Steel</li></ul>";
    assert_eq!(edit(json!({"descriptionHtml": list})).await, formatted("• Steel", list));
    assert_eq!(edit(json!({"name": "Pot", "description": "• Steel"})).await, formatted("• Steel", list));
    // An empty one removes the markup, as another text does.
    assert_eq!(edit(json!({"descriptionHtml": ""})).await, ("• Steel".to_owned(), None));
    assert_eq!(edit(json!({"descriptionHtml": "<p>New</p>"})).await, formatted("New", "<p>New</p>"));
    assert_eq!(edit(json!({"description": "Newer"})).await, ("Newer".to_owned(), None));
}

#[tokio::test]
async fn skus_and_slugs_are_generated_and_unique() {
    let shop = Shop::open().await;
    let first = shop.admin.post("/products", shop.body("Kettle", 100, 1)).await.expect(201).json;
    let second = shop.admin.post("/products", shop.body("Kettle", 100, 1)).await.expect(201).json;
    assert_eq!(first["slug"], "kettle");
    assert_eq!(second["slug"], format!("kettle-{}", second["productId"]));
    assert_eq!(second["sku"], format!("P-{}", second["productId"]));
    let nameless = shop.admin.post("/products", shop.body("茶", 100, 1)).await.expect(201).json;
    assert_eq!(nameless["slug"], "cha");
    let nameless = shop.admin.post("/products", shop.body("ع", 100, 1)).await.expect(201).json;
    assert_eq!(nameless["slug"], format!("product-{}", nameless["productId"]));
    let mut taken = shop.body("Other", 100, 1);
    taken["slug"] = json!("kettle");
    shop.admin.post("/products", taken.clone()).await.is_problem(409, "product.slug_taken");
    taken["slug"] = json!("other");
    taken["sku"] = first["sku"].clone();
    shop.admin.post("/products", taken).await.is_problem(409, "product.sku_taken");
    let path = format!("/products/{}", second["productId"]);
    let editing = shop.admin.with_header("if-match", "\"v1\"");
    editing.patch(&path, json!({"slug": "kettle"})).await.is_problem(409, "product.slug_taken");
    editing.patch(&path, json!({"sku": first["sku"]})).await.is_problem(409, "product.sku_taken");
}

#[tokio::test]
async fn a_key_creates_one_product() {
    let shop = Shop::open().await;
    let body = shop.body("Kettle", 100, 3);
    let attempts = (0..8).map(|_| shop.admin.post_keyed("/products", "k1", body.clone()));
    let responses = futures::future::join_all(attempts).await;
    let id = responses[0].json["productId"].clone();
    for response in responses {
        assert_eq!(response.expect(201).json["productId"], id);
    }
    assert_eq!(shop.facts().await.products.len(), 1);
    shop.admin.post_keyed("/products", "k1", shop.body("Pot", 1, 1)).await.is_problem(422, "idempotency_key.reused");
    let other = shop.client.with_token(shop.world.token(2, souk_kit::auth::Role::Admin));
    let theirs = other.post_keyed("/products", "k1", body).await.expect(201);
    assert_ne!(theirs.json["productId"], id);
}

#[tokio::test]
async fn edits_require_the_version_that_was_read_and_leave_stock_alone() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 4_490, 40).await;
    let path = format!("/products/{id}");
    shop.admin.patch(&path, json!({"name": "Pot"})).await.is_problem(428, "if_match.required");
    shop.admin.with_header("if-match", "x").patch(&path, json!({})).await.is_problem(400, "if_match.invalid");
    let editing = shop.holding(id).await;
    let edited = editing.patch(&path, json!({"name": "Pot", "stock": 9_999, "imageUrl": "/a.svg"})).await.expect(200);
    assert_eq!((edited.header("etag"), edited.json["stock"].clone()), ("\"v2.40\"", json!(40)));
    editing.patch(&path, json!({"name": "Pan"})).await.is_problem(412, "if_match.stale");
    // Orders change the stock part of the tag, which an edit does not compare. A compressing proxy weakens the tag.
    let editing = shop.admin.with_header("if-match", "W/\"v2.39\"");
    let same = editing.patch(&path, json!({"name": "Pot"})).await.expect(200);
    assert_eq!(same.header("etag"), "\"v2.40\"", "an edit that changes nothing is no new version");
    let mut whole = shop.body("Pan", 3_000, 1);
    whole["slug"] = json!("pan");
    let replaced = editing.put(&path, whole).await.expect(200).json;
    assert_eq!(
        (&replaced["imageUrl"], &replaced["slug"], &replaced["stock"]),
        (&json!(null), &json!("pan"), &json!(40))
    );
    let cleared =
        shop.admin.with_header("if-match", "\"v3\"").patch(&path, json!({"lowStockAt": 50})).await.expect(200);
    assert_eq!(cleared.json["name"], "Pan");
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await;
    assert_eq!(published.iter().map(|event| event.revision).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(published[2].price.minor, 3_000);
    let low = shop.world.waiting::<souk_events::StockLow>(&queue::NOTIFICATION_PRODUCTS).await;
    assert_eq!((low.len(), low[0].low_stock_at, low[0].stock), (1, 50, 40));
}

#[tokio::test]
async fn a_deleted_product_is_no_longer_visible() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 4).await;
    let path = format!("/products/{id}");
    shop.admin.delete(&path).await.is_problem(428, "if_match.required");
    shop.admin.with_header("if-match", "\"v7\"").delete(&path).await.is_problem(412, "if_match.stale");
    let editing = shop.holding(id).await;
    editing.delete(&path).await.expect(204);
    editing.delete(&path).await.is_problem(404, "product.not_found");
    editing.patch(&path, json!({"name": "X"})).await.is_problem(404, "product.not_found");
    shop.client.get(&path).await.is_problem(404, "product.not_found");
    shop.client.get("/products/by-slug/kettle").await.is_problem(404, "product.not_found");
    let seen_by_admin = shop.admin.get(&path).await.expect(200);
    assert_eq!((&seen_by_admin.json["hidden"], &seen_by_admin.json["name"]), (&json!(true), &json!("Kettle")));
    assert_eq!(shop.client.get("/products").await.json["total"], 0);
    shop.admin
        .post_keyed(&format!("{path}/stock"), "k", json!({"delta": 1, "reason": "x"}))
        .await
        .is_problem(404, "product.not_found");
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await;
    assert_eq!(published.iter().map(|event| event.hidden).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn prices_are_in_the_shops_currency_and_categories_must_exist() {
    let shop = Shop::open().await;
    let mut body = shop.body("Kettle", 100, 1);
    body["price"]["currency"] = json!("USD");
    shop.admin.post("/products", body.clone()).await.is_problem(422, "price.wrong_currency");
    body["price"]["currency"] = json!("EUR");
    body["categoryId"] = json!(5);
    shop.admin.post("/products", body.clone()).await.is_problem(422, "category.unknown");
    let id = shop.product("Pot", 100, 1).await;
    let editing = shop.holding(id).await;
    let path = format!("/products/{id}");
    editing.patch(&path, json!({"categoryId": 5})).await.is_problem(422, "category.unknown");
    editing
        .patch(&path, json!({"price": {"amount": 1, "currency": "USD"}}))
        .await
        .is_problem(422, "price.wrong_currency");
    editing.send(Method::PUT, &path, Some(body.to_string())).await.is_problem(422, "category.unknown");
}
