//! What must come first: queries over the sample catalogue, as visitors type them.

use std::{collections::BTreeSet, path::Path};

use souk_product::import::import_csv;

use crate::shop::Shop;

/// A query, and the groups that come first, in any order: what sells is not known in a new shop.
const QUERIES: &[(&str, &[&str])] = &[
    // As it is written.
    ("skillet", &["Cast Iron Skillet"]),
    ("cast iron", &["Cast Iron Skillet", "Cast Iron Teapot 0.9 Litre"]),
    ("iron skillet cast", &["Cast Iron Skillet"]),
    ("olive oil", &["Extra Virgin Olive Oil", "Olive Oil Soap Bar 120 g"]),
    ("sleeping bag", &["Down Sleeping Bag, Comfort -2 °C", "Summer Sleeping Bag"]),
    ("espresso", &["Espresso Roast Beans", "Espresso Cups, Set of Four"]),
    ("bluetooth speaker", &["Portable Bluetooth Speaker"]),
    ("bicycle helmet", &["Bicycle Helmet"]),
    ("monstera", &["Monstera in a 17 cm Pot"]),
    ("moka pot", &["Moka Pot"]),
    // Accents, case and punctuation.
    ("saute", &["Copper Sauté Pan 24 cm"]),
    ("SAUTÉ PAN", &["Copper Sauté Pan 24 cm"]),
    ("macrame", &["Hanging Planter in Macramé"]),
    ("chefs knife", &["Chef's Knife 20 cm"]),
    ("chef’s knife", &["Chef's Knife 20 cm"]),
    ("usb c hub", &["USB-C Hub, Six Ports"]),
    ("hdmi 2.1", &["HDMI Cable 2.1, 2 m"]),
    ("pour over", &["Pour-Over Cone in Porcelain"]),
    // Other forms of a word.
    (
        "headphone",
        &["Over-Ear Headphones, Noise Cancelling", "Wired Studio Headphones", "Children's Headphones, Volume Limited"],
    ),
    ("tents", &["Two-Person Tent", "Family Tent for Five"]),
    ("shoe", &["Road Running Shoes", "Trail Running Shoes"]),
    ("mugs", &["Enamel Mug 350 ml"]),
    ("pencil", &["Mechanical Pencil 0.7 mm", "Graphite Pencils, Tin of Twelve"]),
    ("rugs", &["Hand-Woven Wool Rug", "Round Cotton Rug 120 cm", "Anti-Slip Rug Underlay"]),
    // Forms of German words whose stem is that of an English one.
    ("rucksacks", &["Canvas Rucksack"]),
    ("hammocken", &["Hammock with Tree Straps"]),
    // Still being typed.
    ("kettl", &["Gooseneck Kettle 1 Litre"]),
    ("notebo", &["Hardback Notebook A5", "Pocket Notebooks, Pack of Three"]),
    ("wireless ear", &["Wireless Earbuds"]),
    ("santo", &["Santoku 17 cm"]),
    // Typos.
    ("skilet", &["Cast Iron Skillet"]),
    ("choclate", &["Dark Chocolate 72 % 100 g"]),
    ("rucksak", &["Canvas Rucksack"]),
    ("gooseneck ketle", &["Gooseneck Kettle 1 Litre"]),
    (
        "hedphnoes",
        &["Over-Ear Headphones, Noise Cancelling", "Wired Studio Headphones", "Children's Headphones, Volume Limited"],
    ),
    ("tremolo turntabel", &[]),
    ("turntabel", &["Turntable with Belt Drive"]),
    // Brands, with and without a thing.
    ("ostra wok", &["Carbon Steel Wok 32 cm"]),
    ("stahlmoor bread", &["Bread Knife 24 cm"]),
    ("noor cacao", &["Dark Chocolate 72 % 100 g", "Almond Nougat with Sea Salt"]),
    ("radmoor", &["City Bicycle, Eight Gears", "Gravel Bicycle, Aluminium", "Bicycle Helmet", "Gel Saddle, Unisex"]),
    // Codes.
    ("KIT-COOK-0001-26", &["Cast Iron Skillet"]),
    ("kit-cook-0001-26", &["Cast Iron Skillet"]),
    ("2003448823321", &["Cast Iron Skillet"]),
    // Options.
    ("skillet 26 cm", &["Cast Iron Skillet"]),
];

#[tokio::test]
async fn what_is_meant_comes_first() {
    let shop = Shop::open().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            import_csv(&shop.store, &std::fs::read(path).unwrap(), |_, _| {}).await.unwrap();
        }
    }
    shop.is_indexed().await;
    let mut misses = Vec::new();
    for (query, wanted) in QUERIES {
        let list = shop.find(&[("q", query)]).await;
        let names: Vec<&str> =
            list["items"].as_array().unwrap().iter().map(|item| item["groupName"].as_str().unwrap()).collect();
        let first: BTreeSet<&str> = names.iter().take(wanted.len()).copied().collect();
        let is_met = if wanted.is_empty() { names.is_empty() } else { first == wanted.iter().copied().collect() };
        if !is_met {
            misses.push(format!(
                "{query}: {:?}, total {}",
                &names[..names.len().min(wanted.len().max(3) + 2)],
                list["total"]
            ));
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));

    // The variant that the query names is the one that is shown.
    for (query, name) in
        [("skillet 26 cm", "Cast Iron Skillet – 26 cm"), ("KIT-COOK-0001-30", "Cast Iron Skillet – 30 cm")]
    {
        assert_eq!(shop.find(&[("q", query)]).await["items"][0]["name"], name);
    }
}
