//! Groups of variants over HTTP: shown on pages and in lists, made, joined and split by admins.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use souk_events::{ProductChanged, queue};
use souk_product::import::import_csv;
use souk_testkit::eventually;
use souk_values::ProductId;

use crate::shop::Shop;

/// A pan in three sizes, and a lid.
async fn filled() -> Shop {
    let shop = Shop::open().await;
    let csv = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Type\n\
               pan,Steel Pan,Ostra,Size,20 cm,P-20,0,29.90,Pans\n\
               pan,,,,26 cm,P-26,5,39.90,\n\
               pan,,,,30 cm,P-30,2,49.90,\n\
               lid,Lid,Brix,,,L-1,4,9.00,Pans\n";
    import_csv(&shop.store, csv.as_bytes(), |_, _| {}).await.unwrap();
    shop
}

async fn by_slug(shop: &Shop, slug: &str) -> Value {
    shop.client.get(&format!("/products/by-slug/{slug}")).await.expect(200).json
}

fn id(product: &Value) -> ProductId {
    souk_values::Id::new(product["productId"].as_i64().unwrap()).unwrap()
}

fn slugs(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap()).collect()
}

const SIZES: [&str; 3] = ["pan-20-cm", "pan-26-cm", "pan-30-cm"];

#[tokio::test]
async fn a_page_shows_all_variants_and_its_tag_changes_with_theirs() {
    let shop = filled().await;
    let small = by_slug(&shop, "pan-20-cm").await;
    assert_eq!(slugs(&small["variants"]), SIZES);
    let (name, options) = (&small["groupName"], &small["variants"][1]["options"]);
    assert_eq!((name, options), (&json!("Steel Pan"), &json!([{"name": "Size", "value": "26 cm"}])));
    assert_eq!((&small["variants"][1]["price"]["amount"], &small["variants"][1]["stock"]), (&json!(3_990), &json!(5)));
    let path = format!("/products/{}", small["productId"]);
    let tag = shop.client.get(&path).await.expect(200).header("etag").to_owned();
    assert!(tag.starts_with("\"v1.0.") && tag.len() > 10, "{tag}");
    shop.client.with_header("if-none-match", &tag).get(&path).await.expect(304);
    // Another variant's stock, price or options are part of the page.
    let large = by_slug(&shop, "pan-30-cm").await;
    let stock = format!("/products/{}/stock", large["productId"]);
    shop.admin.post_keyed(&stock, "k", json!({"delta": 1, "reason": "x"})).await.expect(200);
    let second = shop.client.with_header("if-none-match", &tag).get(&path).await.expect(200);
    assert_eq!(second.json["variants"][2]["stock"], 3);
    let editing = shop.holding(id(&large)).await;
    let price = json!({"price": {"amount": 1, "currency": "EUR"}});
    editing.patch(&format!("/products/{}", large["productId"]), price).await.expect(200);
    let third = shop.client.with_header("if-none-match", second.header("etag")).get(&path).await.expect(200);
    assert_eq!(third.json["variants"][2]["price"]["amount"], 1);
    // A change of another variant is none of this product: an edit needs its own version only.
    let edited = shop.admin.with_header("if-match", &tag).patch(&path, json!({"name": "Small"})).await.expect(200);
    assert_eq!(slugs(&edited.json["variants"]), SIZES);
    let lid = by_slug(&shop, "lid").await;
    assert_eq!(slugs(&lid["variants"]), ["lid"]);
    assert_eq!(shop.show(id(&lid)).await.header("etag"), "\"v1.4\"");
}

#[tokio::test]
async fn lists_show_each_group_once() {
    let shop = filled().await;
    let list = shop.client.get("/products?sort=price").await.expect(200).json;
    assert_eq!((slugs(&list["items"]), &list["total"]), (vec!["lid", "pan-26-cm"], &json!(2)));
    let pan = &list["items"][1];
    assert_eq!((&pan["variantCount"], &pan["pricesDiffer"]), (&json!(3), &json!(true)));
    assert_eq!((&pan["priceFrom"]["amount"], &pan["groupName"]), (&json!(2_990), &json!("Steel Pan")));
    assert_eq!(list["items"][0]["pricesDiffer"], false);
    assert!(pan.get("variants").is_none() && pan.get("sold").is_none());
    assert_eq!(list["facets"]["inStock"], 2);
    assert_eq!(list["facets"]["brands"], json!([{"brand": "Brix", "count": 1}, {"brand": "Ostra", "count": 1}]));
    assert_eq!(list["facets"]["categories"][0]["count"], 2);
    let flat = shop.client.get("/products?sort=price&groups=false").await.expect(200).json;
    assert_eq!(slugs(&flat["items"]), ["lid", "pan-20-cm", "pan-26-cm", "pan-30-cm"]);
    assert_eq!((&flat["total"], &flat["facets"]["inStock"]), (&json!(4), &json!(3)));
    assert!(flat["items"][0].get("variantCount").is_none());
    // The matching variant stands for its group.
    for (query, expected) in [
        ("q=20%20cm", vec!["pan-20-cm"]),
        ("minPrice=4500", vec!["pan-30-cm"]),
        ("inStock=false", vec!["pan-20-cm"]),
        ("brand=Ostra", vec!["pan-26-cm"]),
        ("brand=ostra", vec![]),
        ("sort=-price", vec!["pan-26-cm", "lid"]),
        ("sort=name&size=1&page=1", vec!["pan-26-cm"]),
    ] {
        let found = shop.client.get(&format!("/products?{query}")).await.expect(200).json;
        assert_eq!(slugs(&found["items"]), expected, "{query}");
    }
    let other = shop.client.get("/products?brand=Brix").await.expect(200).json;
    assert_eq!(other["facets"]["brands"].as_array().unwrap().len(), 2, "a facet shows the other choices");
}

#[tokio::test]
async fn products_are_listed_by_their_ids() {
    let shop = filled().await;
    let ids: Vec<String> = join_ids(&shop, &["pan-30-cm", "lid", "pan-20-cm"]).await;
    let list = shop.client.get(&format!("/products?ids={},5,{}", ids.join(","), ids[0])).await.expect(200).json;
    assert_eq!((slugs(&list["items"]), &list["total"]), (vec!["pan-30-cm", "lid", "pan-20-cm"], &json!(3)));
    assert!(list.get("facets").is_none());
    for query in ["ids=1&q=pan", "ids=x", "ids=0", "ids=1&page=0", "ids=1&groups=false"] {
        shop.client.get(&format!("/products?{query}")).await.is_problem(400, "query.invalid");
    }
    let many = (1..=101).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
    shop.client.get(&format!("/products?ids={many}")).await.is_problem(400, "query.invalid");
    assert_eq!(shop.client.get("/products?ids=").await.expect(200).json["total"], 2);
}

async fn join_ids(shop: &Shop, slugs: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for slug in slugs {
        ids.push(by_slug(shop, slug).await["productId"].to_string());
    }
    ids
}

#[tokio::test]
async fn admins_split_and_join_groups() {
    let shop = filled().await;
    let [small, middle, lid] =
        [by_slug(&shop, "pan-20-cm").await, by_slug(&shop, "pan-26-cm").await, by_slug(&shop, "lid").await];
    let path = |product: &Value| format!("/products/{}", product["productId"]);
    let change = async |product: &Value, body: Value| {
        let editing = shop.holding(id(product)).await;
        editing.patch(&path(product), body).await
    };
    // The product that names the group leaves it: the rest gets another name, and stays together.
    let alone = change(&small, json!({"groupId": null})).await.expect(200).json;
    assert_eq!((slugs(&alone["variants"]), &alone["groupId"]), (vec!["pan-20-cm"], &small["productId"]));
    let rest = by_slug(&shop, "pan-30-cm").await;
    assert_eq!((slugs(&rest["variants"]), &rest["groupId"]), (vec!["pan-26-cm", "pan-30-cm"], &middle["productId"]));
    assert_eq!(shop.client.get("/products").await.json["total"], 3);
    // It comes back as the last one.
    let back = change(&small, json!({"groupId": rest["productId"]})).await.expect(200).json;
    assert_eq!(slugs(&back["variants"]), ["pan-26-cm", "pan-30-cm", "pan-20-cm"]);
    assert_eq!(back["groupId"], middle["productId"]);
    let same = change(&small, json!({"groupId": middle["productId"]})).await.expect(200);
    assert_eq!(same.json["updatedAt"], back["updatedAt"], "joining the group again changes nothing");
    // Two variants are never the same, whatever the order of their options.
    change(&small, json!({"options": [{"name": "Size", "value": "30 cm"}]}))
        .await
        .is_problem(409, "product.options_taken");
    let two = [json!({"name": "Size", "value": "30 cm"}), json!({"name": "Colour", "value": "Red"})];
    let renamed = change(&small, json!({"options": two})).await.expect(200).json;
    assert_eq!((&renamed["name"], &renamed["groupName"]), (&json!("Steel Pan – 30 cm / Red"), &json!("Steel Pan")));
    change(&rest, json!({"options": [two[1], two[0]]})).await.is_problem(409, "product.options_taken");
    // A product without options joins only with some.
    let mut body = shop.body("Steel Pan", 5_500, 1);
    body["options"] = json!([{"name": "Size", "value": "26 cm"}]);
    body["groupId"] = middle["productId"].clone();
    shop.admin.post("/products", body.clone()).await.is_problem(409, "product.options_taken");
    body["options"] = json!([{"name": "Size", "value": "34 cm"}]);
    let made = shop.admin.post("/products", body.clone()).await.expect(201).json;
    assert_eq!(made["variants"].as_array().unwrap().len(), 4);
    body["groupId"] = json!(5);
    shop.admin.post("/products", body).await.is_problem(422, "group.unknown");
    change(&lid, json!({"groupId": 5})).await.is_problem(422, "group.unknown");
    change(&lid, json!({"groupId": lid["productId"]})).await.expect(200);
    assert_eq!(by_slug(&shop, "lid").await["updatedAt"], lid["updatedAt"]);
    // Each product whose group changed is published.
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await;
    assert_eq!(published.iter().filter(|event| event.product_id == id(&rest)).count(), 2);
}

#[tokio::test]
async fn a_deleted_variant_is_no_longer_shown_and_comes_back_only_if_it_differs() {
    let shop = filled().await;
    let middle = by_slug(&shop, "pan-26-cm").await;
    let path = format!("/products/{}", middle["productId"]);
    shop.holding(id(&middle)).await.delete(&path).await.expect(204);
    let small = by_slug(&shop, "pan-20-cm").await;
    assert_eq!(slugs(&small["variants"]), ["pan-20-cm", "pan-30-cm"]);
    assert_eq!(shop.client.get("/products?sort=-price").await.json["items"][0]["slug"], "pan-30-cm");
    let editing = shop.holding(id(&small)).await;
    let options = json!({"options": [{"name": "Size", "value": "26 cm"}]});
    editing.patch(&format!("/products/{}", small["productId"]), options).await.expect(200);
    shop.admin.post(&format!("{path}/restore"), json!({})).await.is_problem(409, "product.options_taken");
}

#[tokio::test]
async fn details_are_edited_and_refused() {
    let shop = Shop::open().await;
    let mut body = shop.body("Kettle", 4_490, 1);
    body["compareAtPrice"] = json!({"amount": 5_990, "currency": "EUR"});
    body["brand"] = json!(" Ostra ");
    body["tags"] = json!(["tea", "steel", "tea"]);
    body["pictures"] = json!([{"url": "/a.png", "alt": "Front"}, {"url": "/b.png", "width": 10, "height": 20}]);
    body["imageUrl"] = json!("/b.png");
    let made = shop.admin.post("/products", body.clone()).await.expect(201).json;
    assert_eq!((&made["brand"], &made["tags"]), (&json!("Ostra"), &json!(["tea", "steel"])));
    assert_eq!((&made["compareAtPrice"]["amount"], &made["imageUrl"]), (&json!(5_990), &json!("/b.png")));
    assert_eq!(made["pictures"][0], json!({"url": "/b.png", "alt": "", "width": 10, "height": 20}));
    let path = format!("/products/{}", made["productId"]);
    let change = async |body: Value| shop.holding(id(&made)).await.patch(&path, body).await;
    let turned =
        json!([{"url": "/a.png", "alt": "The front"}, {"url": "/b.png", "alt": "", "width": null, "height": null}]);
    let edited = change(json!({"pictures": turned, "brand": null, "compareAtPrice": null})).await.expect(200).json;
    assert_eq!((&edited["imageUrl"], &edited["pictures"][0]["alt"]), (&json!("/a.png"), &json!("The front")));
    assert_eq!((&edited["brand"], &edited["compareAtPrice"]), (&json!(null), &json!(null)));
    let one = change(json!({"pictures": [{"url": "/b.png"}]})).await.expect(200).json;
    assert_eq!(one["pictures"].as_array().unwrap().len(), 1);
    assert_eq!(change(json!({"imageUrl": null})).await.expect(200).json["pictures"], json!([]));
    let whole = shop.holding(id(&made)).await.put(&path, body.clone()).await.expect(200).json;
    assert_eq!((&whole["brand"], whole["pictures"].as_array().unwrap().len()), (&json!("Ostra"), 2));
    let plain = shop.holding(id(&made)).await.put(&path, shop.body("Kettle", 4_490, 1)).await.expect(200).json;
    assert_eq!((&plain["brand"], &plain["tags"], &plain["pictures"]), (&json!(null), &json!([]), &json!([])));
    for (field, value, status, code) in [
        ("compareAtPrice", json!({"amount": 1, "currency": "USD"}), 422, "price.wrong_currency"),
        ("compareAtPrice", json!({"amount": -1, "currency": "EUR"}), 422, "body.not_allowed"),
        ("brand", json!("a\u{200b}b"), 422, "body.not_allowed"),
        ("tags", json!(["a\u{0}"]), 422, "body.not_allowed"),
        ("tags", json!(["tea, green"]), 422, "body.not_allowed"),
        ("options", json!([{"name": "Title", "value": "Default Title"}]), 422, "body.not_allowed"),
        ("options", json!([{"name": "Size", "value": "\u{200b}L"}]), 422, "body.not_allowed"),
        ("options", json!([{"name": "Size", "value": ""}]), 422, "body.not_allowed"),
        ("options", json!([{"name": "Size", "value": "L"}, {"name": "Size", "value": "M"}]), 422, "body.not_allowed"),
        ("pictures", json!([{"url": "javascript:1"}]), 422, "body.not_allowed"),
        ("pictures", json!([{"url": "/a.png", "alt": "\u{202e}"}]), 422, "body.not_allowed"),
    ] {
        let mut bad = shop.body("Pot", 1, 1);
        bad[field] = value.clone();
        shop.admin.post("/products", bad.clone()).await.is_problem(status, code);
        change(json!({field: value})).await.is_problem(status, code);
    }
}

#[tokio::test]
async fn admins_see_what_is_reserved_sold_and_deleted() {
    let shop = filled().await;
    let middle = by_slug(&shop, "pan-26-cm").await;
    let order = shop.order(7, &[(id(&middle), 2)]);
    shop.deliver(&order.created()).await;
    let path = format!("/products/{}", middle["productId"]);
    let seen = shop.admin.get(&path).await.expect(200);
    assert_eq!((&seen.json["reserved"], &seen.json["sold"], &seen.json["stock"]), (&json!(2), &json!(0), &json!(3)));
    assert_eq!((&seen.json["hidden"], seen.header("cache-control")), (&json!(false), "no-store"));
    shop.deliver(&order.paid()).await;
    // The tag is the same as before, so an admin's read is never answered by it.
    let again = shop.admin.with_header("if-none-match", seen.header("etag")).get(&path).await.expect(200);
    assert_eq!((&again.json["reserved"], &again.json["sold"]), (&json!(0), &json!(2)));
    assert!(by_slug(&shop, "pan-26-cm").await.get("sold").is_none());

    let flat = shop.admin.get("/products?sort=stock&size=2").await.expect(200);
    assert_eq!(slugs(&flat.json["items"]), ["pan-20-cm", "pan-30-cm"]);
    assert_eq!((&flat.json["items"][0]["sold"], flat.header("cache-control")), (&json!(0), "no-store"));
    let most = shop.admin.get("/products?sort=-stock&size=1").await.expect(200).json;
    assert_eq!(slugs(&most["items"]), ["lid"]);
    let grouped = shop.admin.get("/products?sort=-stock&groups=true").await.expect(200).json;
    assert_eq!(slugs(&grouped["items"]), ["pan-26-cm", "lid"]);
    shop.holding(id(&middle)).await.delete(&path).await.expect(204);
    let hidden = shop.admin.get("/products?hidden=true").await.expect(200).json;
    assert_eq!((slugs(&hidden["items"]), &hidden["items"][0]["hidden"]), (vec!["pan-26-cm"], &json!(true)));
    for query in ["hidden=true", "sort=stock", "sort=-stock"] {
        shop.client.get(&format!("/products?{query}")).await.is_problem(401, "auth.token_missing");
        let customer = shop.client.with_token(shop.world.customer(shop.world.user()));
        customer.get(&format!("/products?{query}")).await.is_problem(403, "auth.forbidden");
    }
    shop.client.get("/products?hidden=false").await.expect(200);

    let moves = shop.admin.get(&format!("{path}/movements?size=2")).await.expect(200).json;
    assert_eq!(moves["total"], 3);
    let kinds: Vec<_> =
        moves["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.len(), &moves["items"][0]["orderId"]), (2, &json!(7)));
    shop.client.get(&format!("{path}/movements")).await.is_problem(401, "auth.token_missing");
    shop.admin.get("/products/5/movements").await.is_problem(404, "product.not_found");
    let lid = by_slug(&shop, "lid").await;
    let path = format!("/products/{}", lid["productId"]);
    shop.world.clock.advance(std::time::Duration::from_secs(1));
    shop.admin.post_keyed(&format!("{path}/stock"), "k", json!({"delta": -1, "reason": "Broken"})).await.expect(200);
    let moves = shop.admin.get(&format!("{path}/movements")).await.expect(200).json;
    assert_eq!(
        (&moves["items"][0]["kind"], &moves["items"][0]["quantity"], &moves["items"][0]["reason"]),
        (&json!("adjustment"), &json!(-1), &json!("Broken"))
    );
    assert_eq!(moves["items"][1]["kind"], "initial");
}

#[tokio::test]
async fn related_products_were_bought_together_or_share_the_category() {
    let shop = filled().await;
    let [small, middle, lid] =
        [by_slug(&shop, "pan-20-cm").await, by_slug(&shop, "pan-26-cm").await, by_slug(&shop, "lid").await];
    let (spoon, rake) = (shop.product("Spoon", 100, 50).await, shop.product("Rake", 100, 50).await);
    let related = async |product: &Value| {
        let path = format!("/products/{}/related", product["productId"]);
        let list = shop.client.get(&path).await.expect(200).json;
        slugs(&list["items"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(related(&small).await, ["lid"], "the variants of the product itself are not among them");
    let sell = async |number: i64, products: &[ProductId]| {
        shop.world.clock.advance(Duration::from_secs(1));
        let lines: Vec<_> = products.iter().map(|product| (*product, 1)).collect();
        let order = shop.order(number, &lines);
        shop.deliver(&order.created()).await;
        shop.deliver(&order.paid()).await;
        shop.deliver(&order.paid()).await;
    };
    sell(1, &[id(&middle), rake]).await;
    sell(2, &[id(&middle), spoon]).await;
    sell(3, &[id(&middle), spoon, id(&lid)]).await;
    // Companions of one size are those of all; of equals, the last. A kept answer may be older than a sale for a moment.
    eventually("what was bought together is shown", async || related(&small).await == ["spoon", "lid", "rake"]).await;
    assert_eq!(related(&json!({"productId": spoon})).await[0], "pan-26-cm");
    // Only sold orders count, and each once.
    let order = shop.order(4, &[(rake, 1), (id(&lid), 1)]);
    shop.deliver(&order.created()).await;
    assert_eq!(related(&json!({"productId": rake})).await, ["pan-26-cm", "spoon"]);
    shop.client.get("/products/5/related").await.is_problem(404, "product.not_found");
}

#[tokio::test]
async fn the_rarest_companions_are_forgotten() {
    let shop = Shop::open().await;
    let main = shop.product("Main", 100, 10_000).await;
    let rare = shop.product("Rare", 100, 9).await;
    let mut others = Vec::new();
    for n in 0..52 {
        others.push(shop.product(&format!("Other {n}"), 100, 100).await);
    }
    let mut number = 0;
    let mut sell = async |with: ProductId| {
        number += 1;
        let order = shop.order(number, &[(main, 1), (with, 1)]);
        shop.deliver(&order.created()).await;
        shop.deliver(&order.paid()).await;
    };
    sell(rare).await;
    for other in &others {
        sell(*other).await;
        sell(*other).await;
    }
    shop.store.trim_bought_together().await.unwrap();
    let db = Database::connect(shop.world.store_url("product")).await.unwrap();
    let others_of = async |product: ProductId| {
        let sql = format!("SELECT other_id FROM bought_together WHERE product_id = {product}");
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        rows.iter().map(|row| row.try_get::<i64>("", "other_id").unwrap()).collect::<Vec<_>>()
    };
    let kept = others_of(main).await;
    assert_eq!((kept.len(), kept.contains(&souk_values::Id::get(rare))), (50, false));
    assert_eq!(others_of(rare).await.len(), 1, "the pair is kept where it is not one of too many");
}
