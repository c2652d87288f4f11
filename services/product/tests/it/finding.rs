//! The index: what it finds and counts, what it suggests, and that it follows the store.

use std::{collections::BTreeSet, time::Duration};

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use souk_kit::Service as _;
use souk_product::{Product, ProductConfig, ProductStore, import::import_csv};
use souk_testkit::{Client, Started, World, eventually};
use souk_values::Id;

use crate::shop::{Shop, configuration};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// Creates a product with further fields.
async fn make(shop: &Shop, name: &str, more: Value) -> i64 {
    let mut body = shop.body(name, 1_000, 5);
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    shop.admin.post("/products", body).await.expect(201).json["productId"].as_i64().unwrap()
}

/// Two mugs with sizes and colours, and a pan.
async fn with_options(shop: &Shop) {
    let option =
        |size: &str, colour: &str| json!([{"name": "Size", "value": size}, {"name": "Colour", "value": colour}]);
    let mug = make(shop, "Mug – 10 cl / Red", json!({"options": option("10 cl", "Red"), "brand": "Ostra"})).await;
    make(shop, "Mug – 9 cl / Blue", json!({"options": option("9 cl", "Blue"), "groupId": mug, "brand": "Ostra"})).await;
    make(shop, "Beaker", json!({"options": option("10 cl", "Blue"), "brand": "Harrow"})).await;
    make(shop, "Pan", json!({})).await;
}

#[tokio::test]
async fn options_filter_and_are_counted() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    with_options(&shop).await;
    let all = shop.find(&[]).await;
    let options = json!([
        {"name": "Colour", "values": [{"value": "Blue", "count": 2}, {"value": "Red", "count": 1}]},
        {"name": "Size", "values": [{"value": "9 cl", "count": 1}, {"value": "10 cl", "count": 2}]},
    ]);
    assert_eq!(all["facets"]["options"], options);

    let red = shop.find(&[("option.Colour", "Red")]).await;
    assert_eq!(names(&red), ["Mug – 10 cl / Red"]);
    // The facet of colours shows what another colour would find, that of sizes what there is in red.
    assert_eq!(red["facets"]["options"][0], options[0]);
    assert_eq!(red["facets"]["options"][1]["values"], json!([{"value": "10 cl", "count": 1}]));

    // One variant must have both: no mug is blue and holds 10 cl.
    let both = [("option.Colour", "Blue"), ("option.Size", "10 cl")];
    assert_eq!(names(&shop.find(&both).await), ["Beaker"]);
    let either = [("option.Colour", "Blue"), ("option.Colour", "Red"), ("sort", "name")];
    assert_eq!(shop.find(&either).await["total"], 2);
    assert_eq!(shop.find(&[("option.Colour", "Green")]).await["total"], 0);
    assert_eq!(shop.find(&[("brand", "Ostra"), ("brand", "Harrow")]).await["total"], 2);
    assert_eq!(shop.find(&[("brand", "Harrow")]).await["total"], 1);
    // A flat list comes from the store, and filters alike.
    let flat = shop.find(&[("option.Colour", "Blue"), ("groups", "false"), ("sort", "name")]).await;
    assert_eq!(names(&flat), ["Beaker", "Mug – 9 cl / Blue"]);

    let many: Vec<(String, String)> = (0..9).map(|number| (format!("option.{number}"), "x".to_owned())).collect();
    let query = reqwest::Url::parse_with_params("http://x/", &many).unwrap();
    shop.client.get(&format!("/products?{}", query.query().unwrap())).await.expect(400);
    shop.client.get("/products?q=a&q=b").await.expect(400);
}

#[tokio::test]
async fn related_products_and_those_of_ids_are_found() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    let category = async |name: &str| {
        shop.admin.post("/categories", json!({"name": name})).await.expect(201).json["categoryId"].clone()
    };
    let (table, garden) = (category("Table").await, category("Garden").await);
    let at_table = |stock: i64| json!({"categoryId": table, "stock": stock});
    let sized = |size: &str| json!({"categoryId": table, "options": [{"name": "Size", "value": size}]});
    let mug = make(&shop, "Mug – S", sized("S")).await;
    let mut large = sized("L");
    large["groupId"] = mug.into();
    make(&shop, "Mug – L", large).await;
    let (lid, sold_out) = (make(&shop, "Lid", at_table(5)).await, make(&shop, "Sieve", at_table(0)).await);
    let spoon = make(&shop, "Spoon", at_table(5)).await;
    make(&shop, "Rake", json!({"categoryId": garden})).await;

    // Of the same category, one of each group, and what is in stock first.
    let related = shop.client.get(&format!("/products/{lid}/related")).await.expect(200).json;
    let found = names(&related);
    assert_eq!(found.last(), Some(&"Sieve"), "{found:?}");
    assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(["Mug – S", "Sieve", "Spoon"]));
    assert!(related["items"][0]["variantCount"].is_u64());
    shop.client.get("/products/5/related").await.is_problem(404, "product.not_found");

    let wanted = format!("/products?ids={sold_out},5,{mug},{spoon}");
    assert_eq!(names(&shop.client.get(&wanted).await.expect(200).json), ["Sieve", "Mug – S", "Spoon"]);
    shop.holding(Id::new(spoon).unwrap()).await.delete(&format!("/products/{spoon}")).await.expect(204);
    assert_eq!(names(&shop.client.get(&wanted).await.expect(200).json), ["Sieve", "Mug – S"]);
    assert!(!names(&shop.client.get(&format!("/products/{lid}/related")).await.expect(200).json).contains(&"Spoon"));
}

#[tokio::test]
async fn words_are_found_by_stem_typo_and_category() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    make(&shop, "Bratpfanne", json!({"description": "Für Pfannkuchen und Bücher."})).await;
    make(&shop, "Große Pfanne", json!({"attributes": {"Barcode": "4006381333931"}})).await;
    make(&shop, "Spoon", json!({"brand": "Pfannenwerk"})).await;
    for query in ["pfannen", "Pfanne", "PFANNE"] {
        // The name first, then the brand that begins with it.
        assert_eq!(names(&shop.find(&[("q", query)]).await), ["Große Pfanne", "Spoon"], "{query}");
    }
    assert_eq!(names(&shop.find(&[("q", "4006381333931")]).await), ["Große Pfanne"]);
    assert_eq!(names(&shop.find(&[("q", "buch")]).await), ["Bratpfanne"]);
    let typo = shop.find(&[("q", "pfane")]).await;
    assert_eq!((&typo["items"][0]["name"], &typo["corrected"]), (&json!("Große Pfanne"), &json!("pfanne")));
    assert_eq!(shop.find(&[("q", "spon")]).await["total"], 0, "four letters have no typos");
    // What is in a category is found by the category's name.
    assert_eq!(shop.find(&[("q", "kitchen spoon")]).await["total"], 1);
    let id = shop.category;
    let holding = shop.admin.patch(&format!("/categories/{id}"), json!({"name": "Scullery"})).await;
    holding.expect(200);
    assert_eq!(shop.find(&[("q", "kitchen")]).await["total"], 0);
    assert_eq!(shop.find(&[("q", "scullery spoon")]).await["total"], 1);
}

#[tokio::test]
async fn what_is_in_stock_and_sells_comes_first() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    let (sold, empty) = (shop.product("Red Pot", 100, 9).await, shop.product("Blue Pot", 100, 2).await);
    shop.product("Green Pot", 100, 9).await;
    let order = shop.order(1, &[(sold, 3), (empty, 2)]);
    shop.deliver(&order.created()).await;
    shop.deliver(&order.paid()).await;
    eventually("the list shows the sale", || async {
        names(&shop.find(&[("q", "pot")]).await) == ["Red Pot", "Green Pot", "Blue Pot"]
    })
    .await;
}

#[tokio::test]
async fn suggestions_are_products_categories_brands_and_corrections() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    make(&shop, "Kiln Kettle – 1 l", json!({"options": [{"name": "Volume", "value": "1 l"}], "brand": "Kitemark"}))
        .await;
    let suggested = |query: &'static str| {
        let client = shop.client.clone();
        async move { client.get(&format!("/products/suggest?q={query}")).await.expect(200).json }
    };
    let kit = suggested("kit").await;
    assert_eq!(kit["categories"][0]["name"], "Kitchen");
    assert_eq!(kit["brands"], json!(["Kitemark"]));
    let kettle = suggested("kettel").await;
    assert_eq!((&kettle["corrected"], &kettle["total"]), (&json!("kettle"), &json!(1)));
    let product = &kettle["products"][0];
    assert_eq!((&product["name"], &product["slug"]), (&json!("Kiln Kettle"), &json!("kiln-kettle-1-l")));
    assert_eq!(product["priceFrom"], json!({"amount": 1_000, "currency": "EUR"}));
    assert_eq!(
        suggested("").await,
        json!({"products": [], "categories": [], "brands": [], "corrected": null, "total": 0})
    );
    assert_eq!(suggested("%2C").await["total"], 0);
    shop.client.get(&format!("/products/suggest?q={}", "x".repeat(201))).await.expect(400);
}

#[tokio::test]
async fn answers_have_tags_and_change_with_the_catalogue() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    let pan = shop.product("Pan", 100, 5).await;
    let page = format!("/products/{pan}");
    for path in ["/products?q=pan", &page, "/products/by-slug/pan", "/products/suggest?q=pan"] {
        let first = shop.client.get(path).await.expect(200);
        let again = shop.client.get(path).await.expect(200);
        assert_eq!((first.header("etag"), &first.json), (again.header("etag"), &again.json), "{path}");
        assert_eq!(first.header("cache-control"), "public, max-age=1, stale-if-error=300");
        let known = shop.client.with_header("if-none-match", first.header("etag"));
        known.get(path).await.expect(304);
        // Each edit is shown by the next read.
        for name in ["Frying Pan", "Pan"] {
            shop.holding(pan).await.patch(&page, json!({"name": name})).await.expect(200);
            let edited = known.get(path).await;
            let shown = edited.json.to_string();
            assert!(name == "Pan" || (edited.status == 200 && shown.contains("Frying Pan")), "{path} {shown}");
        }
    }
    // So is a correction of the stock.
    let keyed = shop.admin.with_header("idempotency-key", "k");
    keyed.post(&format!("{page}/stock"), json!({"delta": 7, "reason": "found"})).await.expect(200);
    assert_eq!(shop.show(pan).await.json["stock"], 12);
    assert_eq!(shop.find(&[("q", "pan")]).await["items"][0]["stock"], 12);
    // A deleted product is gone, and comes back.
    shop.holding(pan).await.delete(&page).await.expect(204);
    shop.show(pan).await.expect(404);
    assert_eq!(shop.find(&[("q", "pan")]).await["total"], 0);
    shop.admin.post(&format!("{page}/restore"), json!({})).await.expect(200);
    assert_eq!(shop.find(&[("q", "pan")]).await["total"], 1);
}

/// A service with its store and an admin.
struct Service {
    started: Started,
    store: ProductStore,
    admin: Client,
}

impl Service {
    async fn start(world: &World, index_dir: &std::path::Path) -> Self {
        let config = ProductConfig { index_dir: index_dir.display().to_string(), ..configuration(world) };
        let mut service = Product::build(config, &world.deps).await.unwrap();
        let store = service.take().unwrap();
        let started = world.serve(service).await;
        let admin = started.client.with_token(world.admin());
        Self { started, store, admin }
    }

    /// Names of all products by the index, which everyone reads; `None` as long as the store answers.
    async fn indexed(&self) -> Option<Vec<String>> {
        let list = self.started.client.get("/products?sort=name").await.expect(200).json;
        // Only the index counts options.
        (!list["facets"]["options"].as_array().unwrap().is_empty())
            .then(|| names(&list).into_iter().map(str::to_owned).collect())
    }

    async fn shows(&self, wanted: &[&str]) {
        eventually("the index shows what the store has", || async {
            self.indexed().await.is_some_and(|names| names == wanted)
        })
        .await;
    }
}

const HEAD: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n";

async fn import(store: &ProductStore, rows: &str) {
    import_csv(store, format!("{HEAD}{rows}").as_bytes(), |_, _| {}).await.unwrap();
}

#[tokio::test]
async fn a_start_catches_up_and_a_damaged_index_is_made_again() {
    let world = World::new().await;
    let folder = world.folder.path().join("index");
    let service = Service::start(&world, &folder).await;
    import(&service.store, "pan,Pan,Size,L,P,5,10\npot,Pot,Size,L,Q,5,10\n").await;
    service.shows(&["Pan – L", "Pot – L"]).await;
    let list = service.admin.get("/products?sort=name").await.json;
    let pot = list["items"][1]["productId"].as_i64().unwrap();
    assert!(service.started.running.stop().await);
    drop(service.store);

    // While it is away, another process changes one product, deletes one and makes one.
    let other = Service::start(&world, &world.folder.path().join("other")).await;
    import(&other.store, "pan,Frying Pan,Size,L,P,5,12\nmug,Mug,Size,L,M,5,10\n").await;
    let shown = other.admin.get(&format!("/products/{pot}")).await.expect(200);
    other.admin.with_header("if-match", shown.header("etag")).delete(&format!("/products/{pot}")).await.expect(204);
    other.shows(&["Frying Pan – L", "Mug – L"]).await;
    assert!(other.started.running.stop().await);
    drop(other.store);

    let back = Service::start(&world, &folder).await;
    back.shows(&["Frying Pan – L", "Mug – L"]).await;
    assert!(back.started.running.stop().await);
    drop(back.store);

    // A damaged file of the index costs nothing but the time to make it again.
    let form = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(form.join("meta.json"), "{").unwrap();
    let damaged = Service::start(&world, &folder).await;
    damaged.shows(&["Frying Pan – L", "Mug – L"]).await;
    assert_eq!(damaged.started.client.get("/products?q=frying").await.json["total"], 1);
}

#[tokio::test]
async fn a_service_that_is_replaced_hands_its_index_on() {
    let world = World::new().await;
    let folder = world.folder.path().join("index");
    let first = Service::start(&world, &folder).await;
    import(&first.store, "pan,Pan,Size,L,P,5,10\n").await;
    first.shows(&["Pan – L"]).await;
    let second = Service::start(&world, &folder).await;
    second.shows(&["Pan – L"]).await;
    assert!(first.started.running.stop().await);
    import(&second.store, "pot,Pot,Size,L,Q,5,10\n").await;
    second.shows(&["Pan – L", "Pot – L"]).await;
}

#[tokio::test]
async fn a_replica_shows_what_another_changed_within_a_second() {
    if !souk_testkit::needs_engines() {
        return;
    }
    let world = World::new().await;
    let (one, two) = (
        Service::start(&world, &world.folder.path().join("one")).await,
        Service::start(&world, &world.folder.path().join("two")).await,
    );
    import(&one.store, "pan,Pan,Size,L,P,5,10\n").await;
    one.shows(&["Pan – L"]).await;
    two.shows(&["Pan – L"]).await;
    let page = "/products/by-slug/pan-l";
    let pan = two.started.client.get(page).await.expect(200).json["productId"].as_i64().unwrap();
    let keyed = one.admin.with_header("idempotency-key", "k");
    keyed.post(&format!("/products/{pan}/stock"), json!({"delta": 7, "reason": "found"})).await.expect(200);
    let began = std::time::Instant::now();
    eventually("the other replica shows the stock", || async {
        two.started.client.get(page).await.expect(200).json["stock"] == 12
    })
    .await;
    // Half a second between two looks, and a tenth to collect; the rest is for a busy machine.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

/// Filters and sort orders, without words and relevance: there the index does more than the store.
fn any_list() -> impl Strategy<Value = String> {
    let category = prop::option::of(prop::sample::select(vec!["pots", "pans", "other", "none"]));
    let brand = prop::collection::vec(prop::sample::select(vec!["Ostra", "Harrow", "Brix", "Other"]), 0..3);
    let option =
        prop::collection::vec(prop::sample::select(vec!["Size=S", "Size=M", "Colour=Red", "Colour=Green"]), 0..3);
    let prices = (prop::option::of(0..2_000_i64), prop::option::of(0..2_000_i64));
    let sort = prop::sample::select(vec!["price", "-price", "name", "newest"]);
    let rest = (prop::option::of(any::<bool>()), sort, 1..9_u32, 0..3_u32);
    (category, brand, option, prices, rest).prop_map(
        |(category, brands, options, (min, max), (stock, sort, size, page))| {
            let mut pairs = vec![("groups", "true".to_owned()), ("sort", sort.to_owned())];
            pairs.extend([("size", size.to_string()), ("page", page.to_string())]);
            pairs.extend(category.map(|slug| ("category", slug.to_owned())));
            pairs.extend(brands.into_iter().map(|brand| ("brand", brand.to_owned())));
            pairs.extend(min.map(|min| ("minPrice", min.to_string())));
            pairs.extend(max.map(|max| ("maxPrice", max.to_string())));
            pairs.extend(stock.map(|stock| ("inStock", stock.to_string())));
            let mut pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.extend(options.into_iter().map(|option| format!("option.{option}")));
            pairs.join("&")
        },
    )
}

/// What index and store must agree on.
fn comparable(list: &Value) -> Value {
    let items = list["items"].as_array().unwrap().iter();
    let items: Vec<Value> = items
        .map(|item| json!([item["productId"], item["stock"], item["price"], item["priceFrom"], item["variantCount"]]))
        .collect();
    let facets = &list["facets"];
    let counted = json!([facets["categories"], facets["price"], facets["inStock"], facets["brands"]]);
    json!({"total": list["total"], "items": items, "facets": counted})
}

#[tokio::test]
async fn the_index_lists_what_the_store_would() {
    let shop = Shop::open().await;
    shop.is_indexed().await;
    let mut runner = TestRunner::deterministic();
    let row = (0..14_u8, 0..4_usize, 0..4_usize, 0..3_usize, 0..3_u8, 1..1_900_i64);
    let rows = prop::collection::vec(row, 60).new_tree(&mut runner).unwrap().current();
    let head = "Handle,Title,Vendor,Type,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Inventory Qty,Variant Price";
    let lines = rows.into_iter().map(|(handle, size, colour, kind, stock, cents)| {
        // A group has one brand in files, and every second one has one category.
        let group = usize::from(handle);
        let kind = if group % 2 == 0 { group % 3 } else { kind };
        let (vendor, kind) = (["Ostra", "Harrow", ""][group % 3], ["Pots", "Pans", ""][kind]);
        let (size, colour) = (["S", "M", "L", "XL"][size], ["Red", "Green", "Blue", "Grey"][colour]);
        let price = format!("{}.{:02}", cents / 100, cents % 100);
        format!("h{handle},Thing {handle},{vendor},{kind},Size,{size},Colour,{colour},{stock},{price}")
    });
    let file = std::iter::once(head.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
    import_csv(&shop.store, file.as_bytes(), |_, _| {}).await.unwrap();
    // An admin may give its variants different ones.
    let flat = shop.admin.get("/products?groups=false&size=40").await.expect(200).json;
    for item in flat["items"].as_array().unwrap().iter().step_by(3) {
        let id = Id::new(item["productId"].as_i64().unwrap()).unwrap();
        let path = format!("/products/{}", item["productId"]);
        shop.holding(id).await.patch(&path, json!({"brand": "Brix"})).await.expect(200);
    }
    let mut found = 0;
    for _ in 0..150 {
        let query = any_list().new_tree(&mut runner).unwrap().current();
        let path = format!("/products?{query}");
        // Admins read the store.
        let (indexed, stored) = (shop.client.get(&path).await.expect(200), shop.admin.get(&path).await.expect(200));
        assert_eq!(comparable(&indexed.json), comparable(&stored.json), "{query}");
        found += indexed.json["total"].as_u64().unwrap();
    }
    assert!(found > 200, "the filters leave something to compare: {found}");
}
