//! Exports, and that importing them changes nothing.

use std::path::Path;

use futures::TryStreamExt as _;
use proptest::{
    prelude::{Just, Strategy, prop_oneof},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use souk_product::{export::export_csv, import::import_csv};

use crate::shop::Shop;

async fn export(shop: &Shop) -> String {
    let parts: Vec<_> = export_csv(shop.store.clone()).try_collect().await.unwrap();
    String::from_utf8(parts.concat()).unwrap()
}

async fn import(shop: &Shop, file: &str) -> (u64, u64, usize) {
    let report = import_csv(&shop.store, file.as_bytes(), |_, _| {}).await.unwrap();
    assert_eq!((&report.rejected, &report.ignored_columns), (&vec![], &Vec::<String>::new()), "{file}");
    (report.created, report.updated, report.rejected.len())
}

/// Returns what both shops must agree on: products without ids, times and versions, by their SKUs.
async fn catalogue(shop: &Shop) -> Vec<Value> {
    let flat = shop.client.get("/products?sort=name&size=100&groups=false").await;
    let list = if flat.status == 200 { flat.json } else { shop.client.get("/products?sort=name&size=100").await.json };
    let mut products: Vec<Value> = list["items"].as_array().unwrap().clone();
    for product in &mut products {
        let fields = product.as_object_mut().unwrap();
        for field in ["productId", "groupId", "categoryId", "createdAt", "updatedAt", "slug"] {
            fields.remove(field);
        }
    }
    products.sort_by_key(|product| product["sku"].as_str().unwrap().to_owned());
    products
}

#[tokio::test]
async fn importing_an_export_of_the_sample_changes_nothing() {
    let shop = Shop::open().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    for name in ["garden", "home", "kitchen", "outdoors", "play", "work"] {
        let csv = std::fs::read(folder.join(format!("{name}.csv"))).unwrap();
        import_csv(&shop.store, &csv, |_, _| {}).await.unwrap();
    }
    let file = export(&shop).await;
    assert!(file.starts_with("Title,URL handle,Description,Vendor,Product category,Type,Tags,"), "{file:.200}");
    shop.outbox_is_empty().await;
    let before = shop.facts().await;
    assert_eq!(import(&shop, &file).await, (0, 0, 0));
    assert_eq!(shop.facts().await, before);
    assert_eq!(export(&shop).await, file);

    let copy = Shop::open().await;
    assert_eq!(import(&copy, &file).await.0, 296);
    assert_eq!(export(&copy).await, file);
    assert_eq!(catalogue(&copy).await, catalogue(&shop).await);
}

#[tokio::test]
async fn what_the_format_has_no_column_for_survives() {
    let shop = Shop::open().await;
    let category = shop.admin.post("/categories", json!({"name": "A > B"})).await.expect(201).json;
    let mut body = shop.body("=SUM(A1)  \u{201c}x\u{201d}", 1_999, 3);
    body["description"] = json!("Line <b>one</b> &amp; more\n\n- two\n  three");
    body["attributes"] = json!({"Weight": "2 kg", "Barcode": "00123", "+Size": "L\nXL", "Größe": "@x"});
    body["categoryId"] = category["categoryId"].clone();
    shop.admin.post("/products", body).await.expect(201);
    let plain = shop.body("Ordinary", 5, 0);
    shop.admin.post("/products", plain).await.expect(201);
    let hidden = shop.product("Hidden", 5, 0).await;
    shop.holding(hidden).await.delete(&format!("/products/{hidden}")).await.expect(204);
    let file = "Handle,Title,Vendor,Tags,Body (HTML),Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Image,Image Src,Image Alt Text,Variant Grams\n\
                pan,Pan,Ostra,\"a, b\",<p>x <b>y</b></p>,Size,S,P-1,1,/s.png,/all.png,All,900\n\
                pan,Pot,(none),(none),(none),,M,P-2,2,,/two.png,,\n\
                pan,,,,,,-1.5,P-3,3,\"/own.png Own\n/two.png\",,,\n";
    assert_eq!(import(&shop, file).await.0, 3);
    let exported = export(&shop).await;
    assert!(!exported.contains("Hidden"), "{exported}");
    let before = catalogue(&shop).await;
    assert_eq!(import(&shop, &exported).await, (0, 0, 0), "{exported}");
    assert_eq!(catalogue(&shop).await, before);
    let copy = Shop::open().await;
    assert_eq!(import(&copy, &exported).await.0, 5);
    assert_eq!(catalogue(&copy).await, before);
}

#[tokio::test]
async fn an_admin_downloads_the_file() {
    let shop = Shop::open().await;
    shop.product("Kettle", 1_999, 1).await;
    let refused = shop.client.get("/products/export").await;
    assert_eq!(refused.status, 401);
    let request = reqwest::Client::new().get(format!("http://{}/products/export", shop.address));
    let response = request.bearer_auth(shop.world.admin()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"products.csv\"");
    assert_eq!(response.text().await.unwrap(), export(&shop).await);
}

#[tokio::test]
async fn importing_an_export_of_any_catalogue_changes_nothing() {
    let mut runner = TestRunner::deterministic();
    let cell = || {
        prop_oneof![
            "\\PC{0,10}",
            "[<>/a-z&;,\"'=+@ \n-]{0,12}",
            "(x|茶|ع|é){0,60}",
            Just(String::new()),
            Just("(none)".to_owned())
        ]
    };
    let row = (
        ("[ab茶]", cell(), cell(), cell()),
        (cell(), cell(), "[0-9]{1,4}"),
        ("(/[ab].png){0,1}", "(/[cd].png){0,1}", cell()),
    );
    let rows = proptest::collection::vec(row, 1..12);
    for _ in 0..12 {
        let shop = Shop::open().await;
        let rows = rows.new_tree(&mut runner).unwrap().current();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let heading = [
            "Handle",
            "Title",
            "Body (HTML)",
            "Vendor",
            "Tags",
            "Option1 Value",
            "Price",
            "Image Src",
            "Variant Image",
            "Image Alt Text",
        ];
        writer.write_record(heading).unwrap();
        for ((handle, title, body, vendor), (tags, option, price), (image, own, alt)) in &rows {
            writer.write_record([handle, title, body, vendor, tags, option, price, image, own, alt]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        import_csv(&shop.store, &file, |_, _| {}).await.unwrap();
        let exported = export(&shop).await;
        shop.outbox_is_empty().await;
        let before = shop.facts().await;
        assert_eq!(import(&shop, &exported).await, (0, 0, 0), "{}\n{exported}", String::from_utf8_lossy(&file));
        assert_eq!(shop.facts().await, before);
        assert_eq!(export(&shop).await, exported);
    }
}
