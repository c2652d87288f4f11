//! Files of each dialect, and of no dialect, as the catalogue reads them.

use proptest::prelude::*;
use souk_values::Currency;

use super::{
    UnreadableFile,
    catalogue::{Catalogue, CatalogueRow, parse},
};

fn read(file: impl AsRef<[u8]>) -> Catalogue {
    parse(file.as_ref(), Currency::EUR).unwrap()
}

fn one(file: &str) -> CatalogueRow {
    let catalogue = read(file);
    assert_eq!((catalogue.rows.len(), &catalogue.rejected), (1, &vec![]), "{file}");
    catalogue.rows.into_iter().next().unwrap()
}

fn reasons(catalogue: &Catalogue) -> Vec<(u64, &str)> {
    catalogue.rejected.iter().map(|row| (row.line, row.reason.as_str())).collect()
}

#[test]
fn shopifys_columns_are_known_as_they_are_and_as_they_were() {
    let now = "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,Option1 name,\
               Option1 value,Price,Compare-at price,Inventory quantity,Weight value (grams),Product image URL,Image position,Image alt text,\
               Variant image URL\n\
               Pan,pan,<p>Good</p>,Ostra,Kitchen > Pots,Pots,\"a, b\",TRUE,Active,P-1,123,Size,26 cm,12.50,15.00,7,900,https://x.org/p.jpg,1,A pan,\n";
    let then = "HANDLE;title; body (html) ;Vendor;Product Category;Type;Tags;Published;Option1 Name;Option1 Value;Variant SKU;Variant Grams;\
                Variant Inventory Qty;Variant Price;Variant Compare At Price;Variant Barcode;Image Src;Image Position;Image Alt Text;Status\n\
                pan;Pan;<p>Good</p>;Ostra;Kitchen > Pots;Pots;a, b;true;Size;26 cm;P-1;900;7;12,50;15,00;123;https://x.org/p.jpg;1;A pan;active\n";
    let row = one(now);
    assert_eq!(row, one(then));
    assert_eq!(row, one(&now.replace('\n', "\r\n")));
    let tabs = then.replace(';', "\t");
    assert_eq!(row, one(&tabs));
    assert_eq!(row, one(&format!("\u{feff}{then}")));
    assert_eq!(CatalogueRow { line: 3, ..row.clone() }, one(&format!("sep=;\r\n{then}")));
    assert_eq!((row.name.as_str(), row.price.minor, row.compare_at.unwrap().minor), ("Pan – 26 cm", 1_250, 1_500));
    assert_eq!(
        (row.quantity, row.attributes["Weight"].as_str(), row.attributes["Barcode"].as_str()),
        (7, "900 g", "123")
    );
    assert_eq!((row.description.as_str(), row.description_html.as_str()), ("Good", "<p>Good</p>"));
    assert_eq!((row.pictures[0].url.as_str(), row.pictures[0].alt.as_str()), ("https://x.org/p.jpg", "A pan"));
    assert_eq!((row.sku.as_str(), row.slug.as_str()), ("P-1", "pan-26-cm"));
    assert_eq!((row.tags, row.category), (vec!["a".to_owned(), "b".into()], vec!["Kitchen".to_owned(), "Pots".into()]));
}

#[test]
fn columns_that_are_not_used_are_listed_once() {
    let catalogue = read("Handle,Title,Variant Price,Gift Card,SEO Title,,Gift Card\na,A,1,x,y,,\nb,B,1,x,y,,\n");
    assert_eq!(catalogue.ignored_columns, ["Gift Card", "SEO Title", "Gift Card"]);
    assert_eq!(catalogue.rows.len(), 2);
}

#[test]
fn rows_of_one_handle_complete_each_other_wherever_they_stand() {
    let file = "Handle,Title,Body (HTML),Vendor,Product Category,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Position\n\
                a,Pan,Good,Ostra,Pots,Size,S,A-1,1.00,/2.jpg,2\n\
                b,Kettle,,,,,,B-1,1.00,,\n\
                a,Pan,,,,,M,A-2,1.00,/1.jpg,1\n\
                a,,,,,,,,,/3.jpg,3\n\
                ,,,,,,,,,,\n\
                a,,,,,,L,A-3,1.00,,\n";
    let catalogue = read(file);
    assert_eq!(reasons(&catalogue), []);
    let rows: Vec<_> = catalogue.rows.iter().filter(|row| row.sku.starts_with('A')).collect();
    for (row, value) in rows.iter().zip(["S", "M", "L"]) {
        assert_eq!(row.name, format!("Pan – {value}"));
        assert_eq!(
            (row.description.as_str(), row.brand.as_deref(), &row.category),
            ("Good", Some("Ostra"), &vec!["Pots".to_owned()])
        );
        assert_eq!((row.options[0].name.as_str(), row.options[0].value.as_str()), ("Size", value));
        let pictures: Vec<_> = row.pictures.iter().map(|picture| picture.url.as_str()).collect();
        assert_eq!(pictures, ["/1.jpg", "/2.jpg", "/3.jpg"]);
        assert_eq!(row.leader, rows[0].id());
    }
    assert_eq!(rows.iter().map(|row| row.group_position).collect::<Vec<_>>(), [0, 1, 2]);
    assert_ne!(catalogue.rows[1].leader, rows[0].id());
}

#[test]
fn a_rows_own_values_come_before_those_of_its_group() {
    let file = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Image,Image Src\n\
                a,Pan,Ostra,Size,S,A-1,1.00,/s.jpg,/all.jpg\na,Pot,(none),,M,A-2,1.00,,\na,,,,L,A-3,1.00,\"/l.jpg Side\n/l2.jpg\",\n";
    let rows = read(file).rows;
    let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Pan – S", "Pot – M", "Pan – L"]);
    let brands: Vec<_> = rows.iter().map(|row| row.brand.as_deref()).collect();
    assert_eq!(brands, [Some("Ostra"), None, Some("Ostra")]);
    let urls: Vec<Vec<_>> =
        rows.iter().map(|row| row.pictures.iter().map(|picture| picture.url.as_str()).collect()).collect();
    assert_eq!(urls, [vec!["/s.jpg", "/all.jpg"], vec!["/all.jpg"], vec!["/l.jpg", "/l2.jpg", "/all.jpg"]]);
    assert_eq!(rows[2].pictures[0].alt, "Side");
}

#[test]
fn identity_is_kept_in_any_script() {
    let file = "Handle,Title,Option1 Name,Option1 Value,Variant Price\n\
                مرحبا,أهلا,,,1\nשלום,שלום,,,1\n茶杯,茶杯,颜色,红,1\n茶杯,,,蓝,1\nchai,Чай,Цвет,Красный,1\nchai,,,Синий,1\n\
                lens,Lens,Power,+1.5,1\nlens,,,-1.5,1\nع,ع,,,1\nغ,غ,,,1\n!,!!,,,1\n?,??,,,1\n";
    let catalogue = read(file);
    assert_eq!(reasons(&catalogue), []);
    let slugs: Vec<_> = catalogue.rows.iter().map(|row| row.slug.as_str()).collect();
    assert_eq!(
        slugs[..8],
        [
            "mrhb",
            "shlvm",
            "cha-bei-hong",
            "cha-bei-lan",
            "chai-krasnyi",
            "chai-sinii",
            "lens-plus-1-5",
            "lens-minus-1-5"
        ]
    );
    for of in [|row: &CatalogueRow| row.sku.clone(), |row: &CatalogueRow| row.key.clone()] {
        let distinct: std::collections::HashSet<String> = catalogue.rows.iter().map(of).collect();
        assert_eq!(distinct.len(), 12);
    }
    assert!(catalogue.rows.iter().all(|row| crate::slug::is_slug(&row.slug) && !row.sku.is_empty()));
}

#[test]
fn derived_values_keep_the_limits() {
    let handle = "x".repeat(300);
    let file = format!(
        "Handle,Title,Option1 Name,Option1 Value,Variant Price\n{handle},T,Size,S,1\n{handle},,,M,1\n{handle}y,T,,,1\n"
    );
    let catalogue = read(file);
    assert_eq!(reasons(&catalogue), []);
    let skus: std::collections::HashSet<&str> = catalogue.rows.iter().map(|row| row.sku.as_str()).collect();
    assert_eq!(skus.len(), 3);
    assert!(
        catalogue.rows.iter().all(|row| row.sku.len() <= 100 && row.slug.len() <= 150 && row.other_sku().len() <= 100)
    );
}

#[test]
fn a_made_sku_is_never_one_of_the_file() {
    let rows = read("Handle,Title,Variant SKU,Variant Price\npan,Pan,,1\nother,Other,pan,1\nPAN!,Pan,,1\n").rows;
    let skus: Vec<_> = rows.iter().map(|row| row.sku.as_str()).collect();
    assert_eq!(skus[1], "pan");
    assert!(skus[0].starts_with("pan-") && skus[2].starts_with("pan-") && skus[0] != skus[2], "{skus:?}");
    assert_eq!(rows[0].id().sku, None);
}

#[test]
fn a_row_says_what_is_wrong_with_it() {
    let long = "x".repeat(11_000);
    let file = format!(
        "Handle,Title,Body (HTML),Variant SKU,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Status,Option1 Value\n\
         a,A,,A-1,1,1.299,,,,\n,B,,B-1,1,1,,,,\nc,,,C-1,1,1,,,,\nd,D,{long},D-1,1,1,,,,\ne,E,,E-1,1.5,1,,,,\nf,F,,F-1,1,1,,ftp://x,,\n\
         g,G,,G-1,1,1,,,draft,\nh,H,,,,,,,,\ni,I,,I-1,1,1,,,,\ni,,,I-2,1,1,,,,\nj,J,,I-1,1,1,,,,\nk,K,,K-1,1,1,ten,,,\n\
         l,L,,L-1,1,1,,,,,more\nm,M,,M-1,1,,,,,\nn,N\u{1},,N-1,1,1,,,,\n"
    );
    let catalogue = read(file);
    let expected = [
        (2, "Variant Price: '1.299' can mean 1299 and 1.29; write 1299.00 or 1.29"),
        (3, "Handle: it is empty"),
        (4, "Title: it is empty, and no row has the same handle and a title"),
        (5, "Body (HTML): it has 11000 characters, more than 10000; shorten it"),
        (
            6,
            "Variant Inventory Qty: '1.5' is not a number of units; write a whole number up to 1000000000000, such as 12",
        ),
        (7, "Image Src: 'ftp://x' is not the URL of a picture"),
        (8, "Status: it is not active"),
        (9, "Variant Price: it is empty in every row of this product"),
        (11, "line 10 has the same product with the same options"),
        (12, "Variant SKU: 'I-1' is already on line 10"),
        (13, "Variant Compare At Price: 'ten' is not a price; write a number such as 12.50"),
        (14, "it has more cells than the first line; put texts with the delimiter in quotation marks"),
        (15, "Variant Price: it is empty; write a number such as 12.50"),
        (16, "Title: it must be one line without control or invisible characters, and has U+0001"),
    ];
    let mut found = reasons(&catalogue);
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(catalogue.rows.len(), 1);
}

#[test]
fn a_price_of_a_bad_row_does_not_take_the_title_from_the_others() {
    let catalogue = read("Handle,Title,Option1 Value,Variant Price\na,Pan,S,ten\na,,M,1\n");
    assert_eq!((catalogue.rows.len(), catalogue.rejected.len()), (1, 1));
    assert_eq!(catalogue.rows[0].name, "Pan – M");
}

#[test]
fn an_unclosed_quotation_mark_costs_its_row_alone() {
    let catalogue = read("Handle,Title,Variant Price\na,A,1\nb,\"B,1\nc,C,1\nd,5\" pipe,1\n");
    assert_eq!(reasons(&catalogue), [(3, "a quotation mark is not closed, or one within a text is not doubled")]);
    let handles: Vec<_> = catalogue.rows.iter().map(|row| (row.line, row.slug.as_str())).collect();
    assert_eq!(handles, [(2, "a"), (4, "c"), (5, "d")]);
    let catalogue = read("Handle,Title,Variant Price\r\na,\"5\" pipe\",1\r\n\r\nb,\"5\"\" pipe\",1\r\nc,\"never");
    assert_eq!(catalogue.rejected.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 5]);
    assert_eq!((catalogue.rows[0].line, catalogue.rows[0].name.as_str()), (4, "5\" pipe"));
    let many = format!("Handle,Title,Variant Price\n{}", "a,\"x\n".repeat(300));
    assert!(read(many).rejected.last().unwrap().reason.ends_with("the rest of the file was not read"));
}

#[test]
fn files_of_no_dialect_are_refused() {
    for (file, missing) in
        [("", "Title"), ("a,b\n1,2\n", "Title"), ("Handle,Title\na,A\n", "Price"), ("SKU,Name,Type\n", "Regular price")]
    {
        assert_eq!(parse(file.as_bytes(), Currency::EUR).unwrap_err(), UnreadableFile::NoColumn(missing), "{file}");
    }
    assert_eq!(parse(b"PK\x03\x04", Currency::EUR).unwrap_err(), UnreadableFile::Spreadsheet);
}

const WOO: &str = "ID,Type,SKU,Name,Published,\"Is featured?\",Short description,Description,Date sale price ends,Stock,Weight (kg),Sale price,\
                   Regular price,Categories,Tags,Images,Parent,Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 2 name,\
                   Attribute 2 value(s),GTIN, UPC\n";

#[test]
fn woocommerces_variable_products_and_variations_are_groups() {
    let file = format!(
        "{WOO}\
         11,variation,HO-B,Hoodie - Blue,1,0,,,,5,,40,45.00,,,https://x.org/blue.jpg,id:10,Colour,Blue,,,,\n\
         10,variable,,Hoodie,1,0,Warm.,<p>Of\\nwool</p>,,,0.5,,,\"Clothing, Clothing > Hoodies\",\"a, b\",\"https://x.org/1.jpg, https://x.org/2.jpg\",,Colour,\"Blue, Red\",1,Logo,Yes,\n\
         12,variation,,Hoodie - Red,1,0,,,,2,,,45.00,,,,id:10,Colour,Red,,,,\n\
         20,simple,CAP,Cap,1,0,,A cap,2020-01-01,9,0.1,10,12.00,\"Clothing > Hats\\, caps\",,,,Material,\"Wool, cotton\",1,,,\n\
         30,grouped,,Set,1,0,,,,,,,,,,,,,,,,,\n\
         31,variation,X,Lost,1,0,,,,1,,,1,,,,id:99,Colour,Red,,,,\n\
         32,\"simple, virtual\",V,Draft,-1,0,,,,1,,,1,,,,,,,,,,\n\
         33,variable,,Empty,1,0,,,,,,,,,,,,,,,,,\n"
    );
    let catalogue = read(file);
    let mut found = reasons(&catalogue);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (6, "Type: a product of type 'grouped' is not sold by the shop itself"),
            (7, "Parent: no row of a product has this SKU or id"),
            (8, "Published: it is not published"),
            (9, "Type: it is variable, but the file has no variation of it"),
        ]
    );
    let [blue, red, cap] = &catalogue.rows[..] else { panic!("{:?}", catalogue.rows) };
    assert_eq!((blue.name.as_str(), red.name.as_str()), ("Hoodie – Blue", "Hoodie – Red"));
    assert_eq!((blue.price.minor, blue.compare_at.unwrap().minor, red.compare_at), (4_000, 4_500, None));
    assert_eq!((blue.sku.as_str(), red.sku.as_str(), red.has_made_sku), ("HO-B", "hoodie-red", true));
    assert_eq!(red.leader, blue.id());
    assert_eq!(blue.category, ["Clothing", "Hoodies"]);
    assert_eq!(
        (blue.description.as_str(), blue.attributes.get("Colour"), blue.attributes["Logo"].as_str()),
        ("Warm.\n\nOf wool", None, "Yes")
    );
    let urls: Vec<_> = blue.pictures.iter().map(|picture| picture.url.as_str()).collect();
    assert_eq!(urls, ["https://x.org/blue.jpg", "https://x.org/1.jpg", "https://x.org/2.jpg"]);
    assert_eq!((cap.price.minor, cap.compare_at, cap.quantity), (1_200, None, 9));
    assert_eq!((&cap.category[1], cap.attributes["Material"].as_str()), (&"Hats, caps".to_owned(), "Wool, cotton"));
    assert_eq!(cap.attributes["Weight"], "100 g");
    assert!(catalogue.ignored_columns.contains(&"Is featured?".to_owned()));
}

#[test]
fn formulas_keep_their_apostrophe_out_of_the_catalogue() {
    let row = one("Handle,Title,Variant Price\na,'=SUM(A1),1\n");
    assert_eq!(row.name, "=SUM(A1)");
    assert_eq!(one("Handle,Title,Variant Price\na,'Tis,1\n").name, "'Tis");
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["\\PC{0,12}", "[<>/a-z&;,\"'= \n]{0,12}", "(x|茶|ع|é){0,120}", Just(String::new())]
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut file in proptest::collection::vec(any::<u8>(), 0..200), has_head: bool) {
        if has_head {
            file.splice(0..0, *b"Handle,Title,Variant Price\n");
        }
        let _ = parse(&file, Currency::EUR);
    }

    #[test]
    fn any_texts_are_products_without_collision(
        cells in proptest::collection::vec((cell(), cell(), cell(), cell(), "[0-9.,]{1,4}"), 1..8)
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["Handle", "Title", "Body (HTML)", "Option1 Value", "Variant Price"]).unwrap();
        for (handle, title, body, option, price) in &cells {
            writer.write_record([handle, title, body, option, price]).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let catalogue = parse(&file, Currency::EUR).unwrap();
        let empty = cells.iter().filter(|(a, b, c, d, _)| [a, b, c, d].iter().all(|cell| cell.trim().is_empty())).count();
        prop_assert!(catalogue.rows.len() + catalogue.rejected.len() + empty >= cells.len());
        let mut skus: Vec<_> = catalogue.rows.iter().map(|row| row.sku.clone()).collect();
        skus.sort_unstable();
        skus.dedup();
        prop_assert_eq!(skus.len(), catalogue.rows.len());
        for row in &catalogue.rows {
            prop_assert!(crate::slug::is_slug(&row.slug) && row.sku.chars().count() <= 100 && row.name.chars().count() <= 255);
            prop_assert!(row.attributes.len() <= 30 && row.options.iter().all(|option| option.value.chars().count() <= 300));
        }
        prop_assert_eq!(parse(&file, Currency::EUR).unwrap().rows, catalogue.rows);
    }
}
