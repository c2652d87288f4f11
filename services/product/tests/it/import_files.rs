//! Imports of files as shops have them: any script, encoding and dialect; identity without SKUs.

use proptest::{
    prelude::{Just, Strategy, prop_oneof},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::json;
use souk_product::import::{ImportReport, import_csv};

use crate::shop::{Shop, assert_balanced};

const HEAD: &str = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n";

async fn import(shop: &Shop, file: impl AsRef<[u8]>) -> ImportReport {
    import_csv(&shop.store, file.as_ref(), |_, _| {}).await.unwrap()
}

fn counts(report: &ImportReport) -> (u64, u64, u64, usize) {
    (report.created, report.updated, report.unchanged, report.rejected.len())
}

#[tokio::test]
async fn handles_and_options_of_any_script_are_different_products() {
    let shop = Shop::open().await;
    let first = format!("{HEAD}مرحبا,أهلا,,,,1\n茶杯,茶杯,颜色,红,,2\n茶杯,,,蓝,,3\n");
    let other = format!(
        "{HEAD}שלום,שלום,,,,4\nchai,Чай,Цвет,Красный,,5\nchai,,,Синий,,6\nlens,Lens,Power,+1.5,,7\nlens,,,-1.5,,8\n"
    );
    assert_eq!(counts(&import(&shop, &first).await), (3, 0, 0, 0));
    assert_eq!(counts(&import(&shop, &other).await), (5, 0, 0, 0));
    shop.outbox_is_empty().await;
    let before = shop.facts().await;
    assert_eq!(counts(&import(&shop, &first).await), (0, 0, 3, 0));
    assert_eq!(counts(&import(&shop, &other).await), (0, 0, 5, 0));
    assert_eq!(shop.facts().await, before);
    assert_balanced(&before);
    let blue = shop.client.get("/products/by-slug/cha-bei-lan").await.expect(200).json;
    assert_eq!((&blue["name"], &blue["price"]["amount"]), (&json!("茶杯 – 蓝"), &json!(300)));
    let minus = shop.client.get("/products/by-slug/lens-minus-1-5").await.expect(200).json;
    assert_eq!(minus["price"]["amount"], 800);
    // Prices change by identity, not by address.
    let report = import(&shop, first.replace(",2\n", ",20\n")).await;
    assert_eq!(counts(&report), (0, 1, 2, 0));
}

#[tokio::test]
async fn an_import_replaces_only_what_it_made_or_what_has_its_sku() {
    let shop = Shop::open().await;
    let mut body = shop.body("Mine", 900, 1);
    body["sku"] = json!("kettle");
    let mine = shop.admin.post("/products", body).await.expect(201).json;
    let without_sku = format!("{HEAD}kettle,Kettle,,,,1\n");
    assert_eq!(counts(&import(&shop, &without_sku).await), (1, 0, 0, 0));
    let same = shop.client.get(&format!("/products/{}", mine["productId"])).await.json;
    assert_eq!(same["name"], "Mine");
    assert_eq!(counts(&import(&shop, &without_sku).await), (0, 0, 1, 0));
    let made = shop.client.get("/products/by-slug/kettle").await.expect(200).json;
    assert!(made["sku"].as_str().unwrap().starts_with("kettle-"), "{made}");

    // The file gives the product a SKU later, and drops the column again.
    let with_sku = format!("{HEAD}kettle,Kettle,,,K-1,1\n");
    assert_eq!(counts(&import(&shop, &with_sku).await), (0, 1, 0, 0));
    let renamed = shop.client.get("/products/by-slug/kettle").await.expect(200).json;
    assert_eq!((&renamed["productId"], &renamed["sku"]), (&made["productId"], &json!("K-1")));
    assert_eq!(counts(&import(&shop, &with_sku).await), (0, 0, 1, 0));
    assert_eq!(counts(&import(&shop, &without_sku).await), (0, 0, 1, 0));

    // The SKU moves to another handle: the product follows its SKU, and the old handle is a new product.
    let moved = format!("{HEAD}kettle,Kettle,,,K-2,1\npot,Pot,,,K-1,2\n");
    assert_eq!(counts(&import(&shop, &moved).await), (1, 1, 0, 0));
    assert_eq!(counts(&import(&shop, &moved).await), (0, 0, 2, 0));
    let pot = shop.client.get(&format!("/products/{}", made["productId"])).await.json;
    assert_eq!((&pot["name"], &pot["sku"]), (&json!("Pot"), &json!("K-1")));
    // A SKU that is only a made one elsewhere belongs to the row that gives it.
    let given = format!("{HEAD}lamp,Lamp,,,,1\n");
    assert_eq!(counts(&import(&shop, &given).await), (1, 0, 0, 0));
    let taken = format!("{HEAD}lamp,Lamp,,,,1\ntable,Table,,,lamp-2,1\n");
    assert_eq!(counts(&import(&shop, &taken).await), (1, 0, 1, 0));
}

#[tokio::test]
async fn one_bad_row_never_fails_a_file() {
    let shop = Shop::open().await;
    let long = "x".repeat(400);
    let file = format!(
        "{HEAD}{long},A,,,,1\n{long}y,B,Size,{long},,1\nc,{long},,,,1\nd,D,,,{long},1\ne,E\u{0},,,,1\nf,F,,,,\"12,50\"\ng,G,,,,\"1,299\"\n\
         h,😀,{long},S,,1\n,,,,,\ni,I,,,,1\n"
    );
    let report = import(&shop, &file).await;
    let lines: Vec<_> = report.rejected.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4, 5, 6, 8], "{report:?}");
    assert_eq!(report.created, 4);
    assert_eq!(counts(&import(&shop, &file).await), (0, 0, 4, 5));
}

#[tokio::test]
async fn each_encoding_and_dialect_arrives_at_the_same_product() {
    let csv = "URL handle;Title;SKU;Price;Vendor;Inventory quantity\r\ngroesse;Größe „L“;G-1;1.299,50;Ostra;3\r\n";
    let windows: Vec<u8> = csv
        .chars()
        .map(|letter| match letter {
            '„' => 0x84,
            '“' => 0x93,
            letter => u8::try_from(u32::from(letter)).unwrap(),
        })
        .collect();
    let utf_16 = |of: fn(u16) -> [u8; 2]| csv.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let woo = "Type,SKU,Name,Regular price,Stock,Brands\nsimple,G-1,Größe „L“,\"1.299,50\",3,Ostra\n";
    let shop = Shop::open().await;
    assert_eq!(counts(&import(&shop, csv).await), (1, 0, 0, 0));
    for file in
        [windows, utf_16(u16::to_le_bytes), utf_16(u16::to_be_bytes), csv.replace(';', "\t").into_bytes(), woo.into()]
    {
        assert_eq!(counts(&import(&shop, &file).await), (0, 0, 1, 0));
    }
    let product = shop.client.get("/products/by-slug/groesse").await.expect(200).json;
    assert_eq!((&product["name"], &product["price"]["amount"]), (&json!("Größe „L“"), &json!(129_950)));
}

#[tokio::test]
async fn descriptions_are_text_and_columns_that_are_not_used_are_named() {
    let shop = Shop::open().await;
    let html = "<p onclick=x>Caf&eacute; <!-- > --><b>au lait</b></p><table><tr><td>a</td><td>b</td></tr></table><script>x</script>";
    let report = import(&shop, format!("Handle,Title,Body (HTML),Variant Price,Gift Card\na,A,{html},1,x\n")).await;
    assert_eq!(report.ignored_columns, ["Gift Card"]);
    let product = shop.client.get("/products/by-slug/a").await.expect(200).json;
    assert_eq!(product["description"], "Café au lait\n\na | b");
}

#[tokio::test]
async fn search_finds_any_script_and_spelling() {
    let shop = Shop::open().await;
    let file = format!(
        "{HEAD}a,Ghế gỗ Việt,,,,1\nb,蓝色的茶杯,,,,1\nc,Щётка,,,,1\nd,شَاي أخضر,,,,1\ne,한국 차,,,,1\nf,コーヒーカップ,,,,1\n"
    );
    assert_eq!(import(&shop, &file).await.created, 6);
    let found = [
        ("ghe go viet", "Ghế gỗ Việt"),
        ("Ghe\u{302}\u{301}", "Ghế gỗ Việt"),
        ("茶杯", "蓝色的茶杯"),
        ("щетка", "Щётка"),
        ("شاي اخضر", "شَاي أخضر"),
        ("한국", "한국 차"),
        ("ｶｯﾌﾟ", "コーヒーカップ"),
    ];
    for (query, name) in found {
        let url = reqwest::Url::parse_with_params("http://x/products", [("q", query)]).unwrap();
        let list = shop.client.get(&format!("/products?{}", url.query().unwrap())).await.expect(200).json;
        assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!(name)), "{query}");
    }
}

#[tokio::test]
async fn any_file_is_imported_once() {
    let mut runner = TestRunner::deterministic();
    let cell = || prop_oneof!["\\PC{0,10}", "[<>/a-z&;,\"'= \n]{0,12}", "(x|茶|ع|é){0,60}", Just(String::new())];
    let row = (cell(), cell(), cell(), cell(), "[0-9.,]{1,4}");
    let rows = proptest::collection::vec(row, 1..12);
    let shop = Shop::open().await;
    for _ in 0..24 {
        let rows = rows.new_tree(&mut runner).unwrap().current();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["Handle", "Title", "Body (HTML)", "Option1 Value", "Variant Price"]).unwrap();
        for (handle, title, body, option, price) in &rows {
            writer.write_record([handle, title, body, option, price]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let first = import(&shop, &file).await;
        let second = import(&shop, &file).await;
        assert_eq!(
            (second.created, second.updated),
            (0, 0),
            "{}\n{first:?}\n{second:?}",
            String::from_utf8_lossy(&file)
        );
        assert_eq!(second.rejected, first.rejected);
    }
    assert_balanced(&shop.facts().await);
}
