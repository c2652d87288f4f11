//! Groups of variants, as imports make them, and the columns that came with them.

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::json;
use souk_kit::Service as _;
use souk_product::{Product, ProductStore, import::import_csv};
use souk_testkit::World;
use souk_values::Currency;

use crate::shop::Shop;

const HEAD: &str = "Handle,Title,Vendor,Tags,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,\
                    Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Position,Image Alt Text,\
                    Variant Image\n";

async fn import(shop: &Shop, rows: &str) -> (u64, u64, u64, usize) {
    let report = import_csv(&shop.store, format!("{HEAD}{rows}").as_bytes(), |_, _| {}).await.unwrap();
    (report.created, report.updated, report.unchanged, report.rejected.len())
}

#[tokio::test]
async fn rows_of_a_handle_are_a_group() {
    let shop = Shop::open().await;
    let rows = "pan,Pan,Ostra,\"steel, pan\",Size,26 cm,Colour,Red,P-26,3,39.90,49.90,/b.png,2,Back,\n\
                pan,,,,,20 cm,,Red,P-20,0,29.90,0,/a.png,1,\"Front, in red\",/own.png\n\
                pan,,,,,,,,,,,,/c.png,,,\n\
                lid,Lid,,,Title,Default Title,,,L-1,1,9.00,,,,,\n";
    assert_eq!(import(&shop, rows).await, (3, 0, 0, 0));
    let large = shop.client.get("/products/by-slug/pan-26-cm-red").await.expect(200).json;
    let small = shop.client.get("/products/by-slug/pan-20-cm-red").await.expect(200).json;
    assert_eq!(large["groupId"], large["productId"]);
    assert_eq!(small["groupId"], large["productId"]);
    assert_eq!(large["options"], json!([{"name": "Size", "value": "26 cm"}, {"name": "Colour", "value": "Red"}]));
    assert_eq!(small["options"][0]["value"], "20 cm");
    assert_eq!((&large["brand"], &small["brand"]), (&json!("Ostra"), &json!("Ostra")));
    assert_eq!(small["tags"], json!(["steel", "pan"]));
    assert_eq!((&large["compareAtPrice"]["amount"], &small["compareAtPrice"]), (&json!(4_990), &json!(null)));
    let urls = |product: &serde_json::Value| {
        let pictures = product["pictures"].as_array().unwrap().iter();
        pictures.map(|picture| picture["url"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(urls(&large), ["/a.png", "/b.png", "/c.png"]);
    assert_eq!(urls(&small), ["/own.png", "/a.png", "/b.png", "/c.png"]);
    assert_eq!(large["pictures"][0]["alt"], "Front, in red");
    assert_eq!((&large["imageUrl"], &small["imageUrl"]), (&json!("/a.png"), &json!("/own.png")));
    let lid = shop.client.get("/products/by-slug/lid").await.expect(200).json;
    assert_eq!((&lid["groupId"], &lid["options"], &lid["brand"]), (&lid["productId"], &json!([]), &json!(null)));
    assert_eq!(import(&shop, rows).await, (0, 0, 3, 0), "a second import changes nothing");
    // A product that was alone joins the group of its handle.
    assert_eq!(
        import(&shop, "pan,Pan,Ostra,,Size,26 cm,,,P-26,3,39.90,,,,,\npan,,,,,Lid,,,L-1,1,9.00,,,,,\n").await.1,
        2
    );
    let lid = shop.client.get("/products/by-slug/lid").await.expect(200).json;
    assert_eq!((&lid["groupId"], &lid["name"]), (&large["productId"], &json!("Pan – Lid")));
}

#[tokio::test]
async fn a_group_larger_than_a_batch_is_one() {
    let shop = Shop::open().await;
    let title = |n: u32| if n == 0 { "Yarn" } else { "" };
    let rows: Vec<String> = (0..450).map(|n| format!("yarn,{},,,Shade,{n},,,Y-{n},1,3.00,,,,,\n", title(n))).collect();
    let rows = rows.concat();
    assert_eq!(import(&shop, &rows).await, (450, 0, 0, 0));
    let first = shop.client.get("/products/by-slug/yarn-0").await.expect(200).json;
    for n in [1, 199, 200, 449] {
        let other = shop.client.get(&format!("/products/by-slug/yarn-{n}")).await.expect(200).json;
        assert_eq!(other["groupId"], first["productId"], "{n}");
    }
}

#[tokio::test]
async fn the_names_of_a_deleted_product_are_free() {
    let shop = Shop::open().await;
    let mut body = shop.body("Kettle", 100, 4);
    body["sku"] = json!("K-1");
    let first = shop.admin.post("/products", body.clone()).await.expect(201).json;
    let path = format!("/products/{}", first["productId"]);
    let restore = format!("{path}/restore");
    shop.admin.with_header("if-match", "\"v1\"").delete(&path).await.expect(204);
    let restored = shop.admin.post(&restore, json!({})).await.expect(200);
    assert_eq!((restored.header("etag"), &restored.json["slug"]), ("\"v3.4\"", &json!("kettle")));
    assert_eq!(shop.admin.post(&restore, json!({})).await.expect(200).header("etag"), "\"v3.4\"");
    shop.admin.with_header("if-match", "\"v3\"").delete(&path).await.expect(204);

    let second = shop.admin.post("/products", body).await.expect(201).json;
    assert_eq!((&second["slug"], &second["sku"]), (&json!("kettle"), &json!("K-1")));
    let by_slug = shop.client.get("/products/by-slug/kettle").await.expect(200).json;
    assert_eq!(by_slug["productId"], second["productId"]);
    let taken = shop.admin.post(&restore, json!({})).await;
    assert!(["product.sku_taken", "product.slug_taken"].contains(&taken.json["code"].as_str().unwrap()), "{taken:?}");
    assert_eq!(taken.expect(409).json["detail"].as_str().unwrap().split(' ').next(), Some("Another"));
    let other = format!("/products/{}", second["productId"]);
    let editing = shop.admin.with_header("if-match", "\"v1\"");
    editing.patch(&other, json!({"slug": "kettle-2", "sku": "K-2"})).await.expect(200);
    shop.admin.post(&restore, json!({})).await.expect(200);
    // An import finds the visible product of a SKU.
    shop.admin.with_header("if-match", "\"v5\"").delete(&path).await.expect(204);
    editing.with_header("if-match", "\"v2\"").patch(&other, json!({"sku": "K-1"})).await.expect(200);
    assert_eq!(import(&shop, "kettle,Kettle,,,,,,,K-1,3,39.90,,,,,\n").await, (0, 1, 0, 0));
    shop.client.post(&restore, json!({})).await.is_problem(401, "auth.token_missing");
    shop.admin.post("/products/1/restore", json!({})).await.is_problem(404, "product.not_found");
}

/// Takes the store back to the release before, and fills it as that did.
async fn downgraded(url: &str) {
    let db = Database::connect(url).await.unwrap();
    let run = async |sql: &str| {
        let engine = db.get_database_backend();
        db.execute_raw(Statement::from_string(engine, sql.to_owned())).await.unwrap();
    };
    let drop_index = |name: &str| match db.get_database_backend() {
        DbBackend::MySql => format!("DROP INDEX {name} ON product"),
        _ => format!("DROP INDEX {name}"),
    };
    for name in ["uq_product_visible_sku", "uq_product_visible_slug", "ix_product_sku", "ix_product_group"] {
        run(&drop_index(name)).await;
    }
    for name in ["ix_product_brand", "ix_product_import_key"] {
        run(&drop_index(name)).await;
    }
    for column in [
        "group_id",
        "group_position",
        "options",
        "compare_at_minor",
        "brand",
        "tags",
        "pictures",
        "description_html",
        "import_key",
        "visible_sku",
        "visible_slug",
    ] {
        run(&format!("ALTER TABLE product DROP COLUMN {column}")).await;
    }
    run("CREATE UNIQUE INDEX uq_product_sku ON product (sku)").await;
    run("CREATE UNIQUE INDEX uq_product_slug ON product (slug)").await;
    run("DELETE FROM seaql_migrations WHERE version = 'product_m0002_variants'").await;
    let columns = "product_id, sku, slug, name, name_key, description, price_minor, category_id, image_url, attributes, \
                   search_text, low_stock_at, stock, reserved, sold, hidden, version, revision, created_at, updated_at";
    for n in 1..=1_203 {
        let (image, hidden) = if n % 2 == 0 { ("'/a\"\\b.png'", "true") } else { ("NULL", "false") };
        let image =
            if db.get_database_backend() == DbBackend::MySql { image.replace('\\', "\\\\") } else { image.into() };
        let attributes = r#"{"Brand":"Harrow & Pell","Size":"L","Tags":"old, iron"}"#;
        run(&format!(
            "INSERT INTO product ({columns}) VALUES ({n}, 'S-{n}', 's-{n}', 'Pan', 'pan', '', 100, 1, {image}, \
             '{attributes}', 'pan', 5, 1, 0, 0, {hidden}, 1, 1, 0, 0)"
        ))
        .await;
    }
    db.close().await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_release_before_is_migrated() {
    let world = World::new().await;
    let url = world.store_url("product");
    Product::migrate(&url).await.unwrap();
    downgraded(&url).await;
    assert_eq!(Product::pending_migrations(&url).await.unwrap(), ["product_m0002_variants"]);
    Product::migrate(&url).await.unwrap();
    assert!(Product::pending_migrations(&url).await.unwrap().is_empty());
    let shop = Shop::open_with(world, |config| config).await;
    let last = shop.client.get("/products/by-slug/s-1203").await.expect(200).json;
    assert_eq!((&last["groupId"], &last["brand"]), (&json!(1_203), &json!("Harrow & Pell")));
    assert_eq!((&last["tags"], &last["attributes"]), (&json!(["old", "iron"]), &json!({"Size": "L"})));
    assert_eq!((&last["pictures"], &last["options"]), (&json!([]), &json!([])));
    shop.client.get("/products/by-slug/s-1202").await.is_problem(404, "product.not_found");
    let mut body = shop.body("Pan", 100, 1);
    (body["sku"], body["slug"]) = (json!("S-1202"), json!("s-1202"));
    shop.admin.post("/products", body.clone()).await.expect(201);
    (body["sku"], body["slug"]) = (json!("S-1203"), json!("s-9999"));
    shop.admin.post("/products", body).await.is_problem(409, "product.sku_taken");
}

/// An index is created last, so that a migration without one of them was interrupted.
#[tokio::test]
async fn an_interrupted_migration_runs_again() {
    let world = World::new().await;
    let url = world.store_url("product");
    Product::migrate(&url).await.unwrap();
    let db = Database::connect(&url).await.unwrap();
    let engine = db.get_database_backend();
    let drop = if engine == DbBackend::MySql {
        "DROP INDEX ix_product_brand ON product"
    } else {
        "DROP INDEX ix_product_brand"
    };
    for sql in [drop, "DELETE FROM seaql_migrations WHERE version = 'product_m0002_variants'"] {
        db.execute_raw(Statement::from_string(engine, sql.to_owned())).await.unwrap();
    }
    db.close().await.unwrap();
    Product::migrate(&url).await.unwrap();
    ProductStore::open(&url, world.deps.ids.clone(), world.deps.clock.clone(), Currency::EUR).await.unwrap();
}
