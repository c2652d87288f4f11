//! Imports of a catalogue from CSV.

use std::path::Path;

use serde_json::{Value, json};
use souk_events::{ProductChanged, queue};
use souk_product::import::{ImportReport, import_csv};

use crate::shop::{Shop, assert_balanced};

const HEAD: &str = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Option1 Name,Option1 Value,Variant SKU,\
                    Variant Inventory Qty,Variant Price,Status\n";

async fn import(shop: &Shop, rows: &str) -> ImportReport {
    import_csv(&shop.store, format!("{HEAD}{rows}").as_bytes(), |_, _| {}).await.unwrap()
}

fn counts(report: &ImportReport) -> (u64, u64, u64, usize) {
    (report.created, report.updated, report.unchanged, report.rejected.len())
}

async fn upload(shop: &Shop, content_type: &str, body: Vec<u8>) -> (u16, Value) {
    let request = reqwest::Client::new()
        .post(format!("http://{}/products/import", shop.address))
        .bearer_auth(shop.world.admin())
        .header("content-type", content_type)
        .body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn the_sample_catalogue_is_imported_once() {
    let shop = Shop::open().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    let mut created = 0;
    for file in &files {
        let progress = std::sync::Mutex::new(Vec::new());
        let csv = std::fs::read(file).unwrap();
        let report = import_csv(&shop.store, &csv, |done, total| progress.lock().unwrap().push((done, total))).await;
        let report = report.unwrap();
        assert_eq!((report.updated, report.unchanged, report.rejected.len()), (0, 0, 0), "{report:?}");
        let progress = progress.into_inner().unwrap();
        assert!(progress.is_sorted() && progress.last().is_some_and(|(done, total)| done == total));
        created += report.created;
    }
    assert_eq!(created, 296);
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await.len();
    assert_eq!(published, 296);
    assert_eq!(shop.client.get("/products").await.json["total"], 268, "the handles of the files");
    let before = shop.facts().await;
    let listed = shop.client.get("/products?sort=name&size=100").await.json;
    for file in &files {
        let report = import_csv(&shop.store, &std::fs::read(file).unwrap(), |_, _| {}).await.unwrap();
        assert_eq!((report.created, report.updated, report.rejected.len()), (0, 0, 0), "{report:?}");
    }
    assert_eq!(shop.facts().await, before, "nothing was published or moved");
    assert_eq!(shop.client.get("/products?sort=name&size=100").await.json, listed);
    assert_balanced(&before);

    let skillet = shop.client.get("/products/by-slug/cast-iron-skillet-26-cm").await.expect(200).json;
    assert_eq!(skillet["name"], "Cast Iron Skillet – 26 cm");
    assert_eq!((&skillet["sku"], &skillet["stock"]), (&"KIT-COOK-0001-26".into(), &118.into()));
    assert_eq!((&skillet["price"]["amount"], &skillet["imageUrl"]), (&3_990.into(), &"/pictures/cookware.svg".into()));
    assert_eq!(skillet["options"], json!([{"name": "Diameter", "value": "26 cm"}]));
    assert_eq!(skillet["brand"], "Harrow & Pell");
    assert_eq!(skillet["tags"], json!(["cast iron", "induction", "oven safe", "pan"]));
    assert!(skillet["description"].as_str().unwrap().ends_with("\n• Wash with hot water, dry, and oil lightly"));
    let cookware = shop.client.get("/products?category=cookware").await.json;
    let kitchen = shop.client.get("/products?category=kitchen").await.json;
    assert!(cookware["total"].as_u64().unwrap() >= 13 && kitchen["total"].as_u64() > cookware["total"].as_u64());
}

#[tokio::test]
async fn a_known_sku_is_updated_but_never_its_stock_or_address() {
    let shop = Shop::open().await;
    let first = import(&shop, "kettle,Kettle,<p>Two litres.</p>,Ostra,Kitchen > Pots,,Colour,Blue,K-1,12,44.90,active\nkettle,,,,,,Colour,Red,K-2,3,44.90,\n").await;
    assert_eq!(counts(&first), (2, 0, 0, 0));
    let second = import(&shop, "kettle-new,Kettle,<p>Two litres.</p>,Ostra,Kitchen > Pots,,Colour,Blue,K-1,99,39.90,active\nkettle-new,,,,,,Colour,Red,K-2,99,44.90,\n").await;
    assert_eq!(counts(&second), (0, 1, 1, 0));
    let blue = shop.client.get("/products/by-slug/kettle-blue").await.expect(200);
    assert_eq!((&blue.json["stock"], &blue.json["price"]["amount"]), (&12.into(), &3_990.into()));
    assert!(blue.header("etag").starts_with("\"v2.12."), "{}", blue.header("etag"));
    let red = shop.client.get("/products/by-slug/kettle-red").await;
    assert!(red.header("etag").starts_with("\"v1.3."), "{}", red.header("etag"));
    // The first category of the path already existed.
    let categories = shop.client.get("/categories").await.json;
    assert_eq!(categories["total"], 2);
    assert_eq!(categories["items"][1]["parentId"], shop.category);
    let editing = shop.admin.with_header("if-match", "\"v2\"");
    editing.delete(&format!("/products/{}", blue.json["productId"])).await.expect(204);
    let third = import(&shop, "kettle,Kettle,,,,Pots,Colour,Blue,K-1,99,39.90,active\n").await;
    assert_eq!(counts(&third), (0, 0, 0, 1));
    assert!(third.rejected[0].reason.contains("deleted"));
    assert_balanced(&shop.facts().await);
}

#[tokio::test]
async fn rejected_rows_are_reported_by_their_line() {
    let shop = Shop::open().await;
    let rows = "a,A,\"<p>Two\nlines</p>\",,,,,,A-1,1,10.00,active\n\
                ,B,,,,,,,B-1,1,10.00,\n\
                c,C,,,,,,,C-1,1,ten,\n\
                d,D,,,,,,,D-1,many,10.00,\n\
                e,,,,,,,,E-1,1,10.00,\n\
                f,F,,,,,,,A-1,1,10.00,\n\
                g,G,,,,,,,G-1,1,10.00,draft\n\
                h,H,,,,,,,H-1,-3,0,active\n\
                h,,,,,,,,,,,\n\
                i,I,,,,,,,I-1,1,1.005,\n\
                j,J,,,,,,,,,7,\n";
    let report = import(&shop, rows).await;
    let lines: Vec<_> = report.rejected.iter().map(|row| row.line).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8, 9, 12], "{report:?}");
    assert!(report.rejected[4].reason.contains("A-1' is already on line 2"), "{report:?}");
    assert_eq!(report.created, 3);
    assert_eq!(shop.client.get("/products/by-slug/h").await.json["stock"], 0);
    assert_eq!(shop.client.get("/products/by-slug/j").await.json["sku"], "j");
    let listed = shop.client.get("/products?category=other").await.json;
    assert_eq!(listed["total"], 3, "products without category and type are in Other");
}

#[tokio::test]
async fn names_and_skus_have_no_control_or_invisible_characters() {
    let shop = Shop::open().await;
    let rows = "a,\"Cafe\u{301}\n Pot\",<p>x\u{202e}y\0</p>,Os\u{2066}tra,,,,,A-1,1,10.00,active\n\
                b,B\0b,,,,,,,B-1,1,10.00,\n\
                c,C,,,,,,,C\u{202e}1,1,10.00,\n\
                d,D,,,,,Size,\u{200b}L,D-1,1,10.00,\n";
    let report = import(&shop, rows).await;
    let reasons: Vec<_> = report.rejected.iter().map(|row| (row.line, row.reason.as_str())).collect();
    let rule = "it must be one line without control or invisible characters, and has";
    let expected = [
        (4, format!("Title: {rule} U+0000")),
        (5, format!("Variant SKU: {rule} U+202E")),
        (6, format!("Option1 Value: {rule} U+200B")),
    ];
    assert_eq!(reasons, expected.each_ref().map(|(line, reason)| (*line, reason.as_str())));
    let pot = shop.client.get("/products/by-slug/a").await.expect(200).json;
    assert_eq!((&pot["name"], &pot["description"]), (&"Café Pot".into(), &"x y".into()));
    assert_eq!(pot["brand"], "Os tra");
}

#[tokio::test]
async fn a_taken_slug_gets_a_hash_and_other_rows_keep_theirs() {
    let shop = Shop::open().await;
    let mut body = shop.body("Mine", 100, 1);
    body["slug"] = "kettle".into();
    shop.admin.post("/products", body).await.expect(201);
    let report = import(&shop, "kettle,Kettle,,,,Pots,,,K-1,1,10.00,\npot,Pot,,,,Pots,,,K-2,1,10.00,\n").await;
    assert_eq!(counts(&report), (2, 0, 0, 0));
    let found = shop.client.get("/products?q=k-1").await.json;
    let slug = found["items"][0]["slug"].as_str().unwrap();
    assert!(slug.starts_with("kettle-") && slug.len() == 15, "{slug}");
}

#[tokio::test]
async fn many_rows_over_http() {
    let shop = Shop::open().await;
    let rows: Vec<String> =
        (1..=450).map(|n| format!("p{n},Product {n},,,,Many,,,SKU-{n},{n},{n}.50,active\n")).collect();
    let (status, report) =
        upload(&shop, "text/csv; charset=utf-8", format!("\u{feff}{HEAD}{}", rows.concat()).into_bytes()).await;
    assert_eq!((status, &report["created"], &report["rejected"]), (200, &450.into(), &Value::Array(Vec::new())));
    let facts = shop.facts().await;
    let ids: Vec<i64> = facts.products.iter().map(|product| souk_values::Id::get(product.product_id)).collect();
    assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "ids are consecutive");
}

#[tokio::test]
async fn files_that_are_no_catalogue_are_refused() {
    let shop = Shop::open().await;
    let code = |(status, body): (u16, Value)| (status, body["code"].as_str().unwrap().to_owned());
    let csv = |body: &str| body.as_bytes().to_vec();
    assert_eq!(code(upload(&shop, "application/json", csv("{}")).await), (415, "body.not_csv".to_owned()));
    assert_eq!(code(upload(&shop, "text/csv", csv("")).await), (400, "import.no_column".to_owned()));
    assert_eq!(code(upload(&shop, "text/csv", csv("a,b\n1,2\n")).await), (400, "import.no_column".to_owned()));
    assert_eq!(code(upload(&shop, "text/csv", vec![0xff, b',', 0xfe]).await), (400, "import.no_column".to_owned()));
    assert_eq!(code(upload(&shop, "text/csv", csv("PK\u{3}\u{4}")).await), (400, "import.not_csv".to_owned()));
    let large = vec![b'x'; 20 * 1024 * 1024 + 1];
    assert_eq!(code(upload(&shop, "text/csv", large).await), (413, "body.too_large".to_owned()));
    let mut broken = format!("{HEAD}a,Ä,,,,,,,A-1,1,10.00,\nb,B").into_bytes();
    broken.extend([0xff]);
    broken.extend(b",,,,,,,B-1,1,10.00,\nc,C,,,,,,,C-1,1,10.00,\n");
    let (status, report) = upload(&shop, "text/csv", broken).await;
    assert_eq!((status, &report["created"], &report["rejected"][0]["line"]), (200, &2.into(), &3.into()));
}
