//! The category tree: created, moved, deleted.

use serde_json::json;

use crate::shop::Shop;

#[tokio::test]
async fn a_tree_is_created_moved_and_deleted() {
    let shop = Shop::open().await;
    let make = |body| async { shop.admin.post("/categories", body).await.expect(201).json["categoryId"].clone() };
    let tea = make(json!({"name": "Coffee & Tea", "parentId": shop.category, "position": 2})).await;
    let pans = make(json!({"name": "Pans", "parentId": shop.category, "position": 1, "slug": "all-pans"})).await;
    let listed = shop.client.get("/categories").await.expect(200);
    assert_eq!(listed.header("cache-control"), "public, max-age=1, stale-if-error=300");
    let slugs: Vec<_> = listed.json["items"].as_array().unwrap().iter().map(|item| item["slug"].clone()).collect();
    assert_eq!(slugs, ["kitchen", "all-pans", "coffee-tea"]);
    assert_eq!(listed.json["total"], 3);

    let second = shop.admin.post("/categories", json!({"name": "Pans"})).await.expect(201);
    assert_eq!(second.json["slug"], "pans");
    let third = shop.admin.post("/categories", json!({"name": "Pans"})).await.expect(201);
    assert_eq!(third.json["slug"], format!("pans-{}", third.json["categoryId"]));
    shop.admin.post("/categories", json!({"name": "X", "slug": "pans"})).await.is_problem(409, "category.slug_taken");
    shop.admin.post("/categories", json!({"name": "X", "parentId": 5})).await.is_problem(422, "category.unknown");

    let root = format!("/categories/{}", shop.category);
    shop.admin.patch(&root, json!({"parentId": tea})).await.is_problem(422, "category.cycle");
    shop.admin.patch(&root, json!({"parentId": shop.category})).await.is_problem(422, "category.cycle");
    shop.admin.patch(&root, json!({"parentId": 5})).await.is_problem(422, "category.unknown");
    shop.admin.patch(&root, json!({"slug": "pans"})).await.is_problem(409, "category.slug_taken");
    shop.admin.delete(&root).await.is_problem(409, "category.in_use");

    let moved = shop.admin.patch(&format!("/categories/{pans}"), json!({"parentId": null})).await.expect(200);
    assert_eq!((&moved.json["parentId"], &moved.json["position"]), (&json!(null), &json!(1)));
    let put = shop.admin.put(&format!("/categories/{tea}"), json!({"name": "Tea"})).await.expect(200);
    assert_eq!(
        (&put.json["parentId"], &put.json["position"], &put.json["slug"]),
        (&json!(null), &json!(0), &json!("coffee-tea"))
    );

    shop.product("Kettle", 100, 1).await;
    shop.admin.delete(&root).await.is_problem(409, "category.in_use");
    shop.admin.delete(&format!("/categories/{tea}")).await.expect(204);
    shop.admin.delete(&format!("/categories/{tea}")).await.is_problem(404, "category.not_found");
    shop.admin.patch(&format!("/categories/{tea}"), json!({"name": "X"})).await.is_problem(404, "category.not_found");
}

#[tokio::test]
async fn a_key_creates_one_category_and_rules_hold() {
    let shop = Shop::open().await;
    let body = json!({"name": "Pans"});
    let first = shop.admin.post_keyed("/categories", "k", body.clone()).await.expect(201);
    let again = shop.admin.post_keyed("/categories", "k", body).await.expect(201);
    assert_eq!(first.json, again.json);
    shop.admin.post_keyed("/categories", "k", json!({"name": "Pots"})).await.is_problem(422, "idempotency_key.reused");
    for body in [json!({"name": ""}), json!({"name": "x".repeat(121)}), json!({"name": "x", "position": 1_000_001})] {
        shop.admin.post("/categories", body).await.is_problem(422, "body.not_allowed");
    }
    shop.admin.post("/categories", json!({"name": "x", "id": 1})).await.is_problem(400, "body.invalid");
    assert_eq!(shop.client.get("/categories").await.json["total"], 2);
}
