//! Invalid input is refused with a code, and nothing of it is stored.

use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::Shop;

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

#[tokio::test]
async fn bodies_that_violate_a_rule_store_nothing() {
    let shop = Shop::open().await;
    let good = shop.body("Kettle", 100, 1);
    let not_allowed = [
        ("name", json!("")),
        ("name", json!("\u{200b}")),
        ("name", json!("a\u{0}b")),
        ("name", json!("a\nb")),
        ("name", json!("x".repeat(256))),
        ("price", json!({"amount": -1, "currency": "EUR"})),
        ("price", json!({"amount": 100_000_000_001_i64, "currency": "EUR"})),
        ("stock", json!(-1)),
        ("stock", json!(i64::MAX)),
        ("sku", json!("")),
        ("slug", json!("Not A Slug")),
        ("slug", json!("x".repeat(151))),
        ("description", json!("x".repeat(10_001))),
        ("description", json!("a\u{0}")),
        ("descriptionHtml", json!(format!("<p>{}</p>", "x".repeat(10_001)))),
        ("descriptionHtml", json!("<p></p>".repeat(10_000))),
        ("descriptionHtml", json!("<p>a\u{0}</p>")),
        ("imageUrl", json!("javascript:alert(1)")),
        ("imageUrl", json!("/a b")),
        ("attributes", json!({"": "x"})),
        ("attributes", json!({"a": "x".repeat(301)})),
        ("lowStockAt", json!(-1)),
    ];
    for (field, value) in not_allowed {
        let response = shop.admin.post("/products", with(&good, field, value.clone())).await;
        response.is_problem(422, "body.not_allowed");
        let named = response.json["errors"][0]["field"].as_str().unwrap().replace('_', "");
        assert!(named.eq_ignore_ascii_case(field), "{}", response.text);
    }
    let unreadable = [
        ("price", json!(19.99)),
        ("price", json!({"amount": 1.5, "currency": "EUR"})),
        ("price", json!({"amount": 1, "currency": "euro"})),
        ("stock", json!("many")),
        ("stock", json!(1e40)),
        ("categoryId", json!(0)),
        ("categoryId", json!("1")),
        ("categoryId", json!(9_007_199_254_740_992_i64)),
        ("attributes", json!(["x"])),
        ("reserved", json!(1)),
        ("productId", json!(1)),
    ];
    for (field, value) in unreadable {
        shop.admin.post("/products", with(&good, field, value)).await.is_problem(400, "body.invalid");
    }
    for field in ["name", "price", "stock", "categoryId"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        shop.admin.post("/products", body).await.is_problem(400, "body.invalid");
    }
    assert!(shop.store.is_empty().await.unwrap());
}

#[tokio::test]
async fn edits_are_held_to_the_same_rules() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let path = format!("/products/{id}");
    let editing = shop.holding(id).await;
    for change in [json!({"name": ""}), json!({"slug": "A"}), json!({"imageUrl": "x"}), json!({"attributes": {"": ""}})]
    {
        editing.patch(&path, change.clone()).await.is_problem(422, "body.not_allowed");
        let mut whole = shop.body("Kettle", 100, 1);
        whole.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        editing.put(&path, whole).await.is_problem(422, "body.not_allowed");
    }
    editing.patch(&path, json!({"version": 3})).await.is_problem(400, "body.invalid");
    editing.send(Method::PATCH, &path, Some("{".to_owned())).await.is_problem(400, "body.malformed");
    assert_eq!(shop.show(id).await.header("etag"), "\"v1.1\"");
}

#[tokio::test]
async fn paths_and_queries_are_parsed_strictly() {
    let shop = Shop::open().await;
    for id in ["0", "-1", "abc", "9007199254740992", "1.0", "%00"] {
        shop.client.get(&format!("/products/{id}")).await.is_problem(400, "path.invalid");
    }
    for slug in ["a%00b", "a%0Ab", "%E2%80%AEa"] {
        shop.client.get(&format!("/products/by-slug/{slug}")).await.is_problem(400, "path.invalid");
    }
    for slug in ["NO", "%F0%9F%98%80", "a--b"] {
        shop.client.get(&format!("/products/by-slug/{slug}")).await.is_problem(404, "product.not_found");
    }
    for query in [
        "size=0",
        "size=101",
        "page=-1",
        "page=x",
        "minPrice=1.5",
        "inStock=maybe",
        "sort=best",
        "colour=red",
        "page=99999999999",
    ] {
        shop.client.get(&format!("/products?{query}")).await.is_problem(400, "query.invalid");
    }
    shop.client.get(&format!("/products?q={}", "x".repeat(201))).await.is_problem(400, "query.invalid");
    for query in ["q=%00", "q=a%E2%80%8Bb", "category=%00"] {
        shop.client.get(&format!("/products?{query}")).await.is_problem(400, "query.invalid");
    }
    for query in ["q=%25_!'\"", "category=no-such", "page=4294967295&size=100", "minPrice=9&maxPrice=1"] {
        assert_eq!(shop.client.get(&format!("/products?{query}")).await.expect(200).json["total"], 0, "{query}");
    }
}
