//! Search, sorting and facets of the catalogue.

use serde_json::{Value, json};

use crate::shop::Shop;

async fn filled() -> Shop {
    let shop = Shop::open().await;
    let pans = shop.admin.post("/categories", json!({"name": "Pans", "parentId": shop.category})).await.expect(201);
    let garden = shop.admin.post("/categories", json!({"name": "Garden"})).await.expect(201);
    let products = [
        ("Copper Sauté Pan", 12_900, 3, &pans, "For sauces."),
        ("Kettle", 4_490, 40, &garden, "Copper bottom, 100% steel."),
        ("Crêpe Pan", 2_990, 0, &pans, "Flat."),
        ("Rake", 1_990, 9, &garden, "For leaves, beside the pan."),
    ];
    for (name, cents, stock, category, description) in products {
        let mut body = shop.body(name, cents, stock);
        body["categoryId"] = category.json["categoryId"].clone();
        body["description"] = json!(description);
        shop.admin.post("/products", body).await.expect(201);
    }
    shop
}

async fn find(shop: &Shop, query: &str) -> Value {
    shop.client.get(&format!("/products?{query}")).await.expect(200).json
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn words_match_names_first() {
    let shop = filled().await;
    assert_eq!(names(&find(&shop, "q=SAUTE").await), ["Copper Sauté Pan"]);
    assert_eq!(names(&find(&shop, "q=copper").await), ["Copper Sauté Pan", "Kettle"]);
    assert_eq!(names(&find(&shop, "q=pan%20copper").await), ["Copper Sauté Pan"]);
    assert_eq!(names(&find(&shop, "q=pan").await).last(), Some(&"Rake"));
    assert_eq!(find(&shop, "q=pan").await["total"], 3);
    // Wildcards of SQL are punctuation.
    assert_eq!(names(&find(&shop, "q=100%25").await), ["Kettle"]);
    assert_eq!(find(&shop, "q=1_0").await["total"], 0);
}

#[tokio::test]
async fn lists_are_sorted_and_paged() {
    let shop = filled().await;
    assert_eq!(names(&find(&shop, "sort=price").await), ["Rake", "Crêpe Pan", "Kettle", "Copper Sauté Pan"]);
    assert_eq!(names(&find(&shop, "sort=-price&size=2").await), ["Copper Sauté Pan", "Kettle"]);
    let second = find(&shop, "sort=-price&size=2&page=1").await;
    assert_eq!(names(&second), ["Crêpe Pan", "Rake"]);
    assert_eq!((&second["page"], &second["size"], &second["total"]), (&json!(1), &json!(2), &json!(4)));
    assert_eq!(names(&find(&shop, "sort=name").await), ["Copper Sauté Pan", "Crêpe Pan", "Kettle", "Rake"]);
    assert_eq!(find(&shop, "sort=newest").await["total"], 4);
    assert_eq!(find(&shop, "q=&category=&minPrice=&maxPrice=&inStock=&sort=&page=&size=").await["total"], 4);
    let first = shop.client.get("/products").await.expect(200);
    assert_eq!(first.header("cache-control"), "public, max-age=1, stale-if-error=300");
}

#[tokio::test]
async fn filters_narrow_and_facets_show_other_choices() {
    let shop = filled().await;
    assert_eq!(names(&find(&shop, "category=kitchen&sort=name").await), ["Copper Sauté Pan", "Crêpe Pan"]);
    let by_id = shop.client.get(&format!("/products?category={}", shop.category)).await.expect(200).json;
    assert_eq!(by_id["total"], 2);
    assert_eq!(names(&find(&shop, "minPrice=2990&maxPrice=4490&sort=price").await), ["Crêpe Pan", "Kettle"]);
    assert_eq!(names(&find(&shop, "inStock=false").await), ["Crêpe Pan"]);

    let narrow = find(&shop, "category=pans&inStock=true&maxPrice=99999").await;
    assert_eq!(names(&narrow), ["Copper Sauté Pan"]);
    let facets = &narrow["facets"];
    let counts: Vec<_> = facets["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|category| (category["slug"].as_str().unwrap(), category["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counts, [("garden", 2), ("kitchen", 1), ("pans", 1)]);
    assert_eq!(facets["price"]["min"], json!({"amount": 12_900, "currency": "EUR"}));
    assert_eq!(facets["inStock"], 1);
    let all = find(&shop, "").await;
    assert_eq!((&all["facets"]["inStock"], &all["facets"]["price"]["min"]["amount"]), (&json!(3), &json!(1_990)));
    assert_eq!(
        find(&shop, "q=nothing-like-it").await["facets"],
        json!({"categories": [], "price": null, "inStock": 0, "brands": [], "options": []})
    );
}

#[tokio::test]
async fn admins_list_low_stock() {
    let shop = filled().await;
    let few = shop.admin.get("/products?stockBelow=4&sort=name").await.expect(200);
    assert_eq!(names(&few.json), ["Copper Sauté Pan", "Crêpe Pan"]);
    assert_eq!(few.header("cache-control"), "no-store");
}
