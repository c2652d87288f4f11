//! Upgrades: a shop of each earlier release starts on this one. On files it is as SIGKILL left it; on engines it is restored
//! from dumps. `tests/fixtures/README.md` has how a release adds its own.

use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use souk_testkit::{Client, eventually, on_engines};
use souk_values::{Clock, SystemClock, Timestamp};

use crate::{Engines, Shop, Shopper, dumps};

/// Time after which a payment whose response was lost is settled.
const SETTLE_AFTER: Duration = Duration::from_secs(60);

/// Returns the folders of all fixtures, one for each release.
fn fixtures() -> Vec<PathBuf> {
    let all = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")).unwrap();
    all.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

/// Returns the path of a file of `fixture`, which has its own for files and for engines.
fn part(fixture: &Path, name: &str) -> PathBuf {
    fixture.join(format!("{}{name}", if on_engines() { "engines-" } else { "" }))
}

/// Starts the shop of `fixture` in a new folder, with its clock set to the moment after it was stopped.
async fn start(fixture: &Path, shown: &Value) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let packed = File::open(part(fixture, "shop.tar.gz")).unwrap();
    tar::Archive::new(flate2::read::GzDecoder::new(packed)).unpack(folder.path()).unwrap();
    let taken: Timestamp = shown["takenAt"].as_str().unwrap().parse().unwrap();
    let ahead = taken.since(SystemClock.now());
    assert!(!ahead.is_zero(), "{} is of a time in the past: deadlines in it are over", fixture.display());
    std::fs::write(folder.path().join("test-clock"), format!("{}\n", ahead.as_secs() + 1)).unwrap();
    let engines = on_engines().then(|| restored(folder.path()));
    Shop::in_folder_with_clock(folder, engines).await
}

/// Returns engines with the content of the dumps in `folder`. Carts and wishlists, which are in Redis, are not among them.
fn restored(folder: &Path) -> Engines {
    let engines = Engines::new();
    for store in dumps::ON_POSTGRES {
        let mut psql = Command::new("psql");
        psql.arg(engines.store_url(store)).args(["-Xq", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f"]);
        dumps::run(psql.arg(folder.join(format!("{store}.sql"))));
    }
    dumps::restore_product(&folder.join("product.sql"), &engines);
    engines
}

/// Returns true if `now` has all that `before` had: fields may be added, none is removed or changed.
fn keeps(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            before.iter().all(|(name, before)| before.is_null() || now.get(name).is_some_and(|now| keeps(now, before)))
        }
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len() && now.iter().zip(before).all(|(now, before)| keeps(now, before))
        }
        _ => now == before,
    }
}

/// Returns the rows of a list.
fn rows(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

/// Asserts that each of the rows before is among those of now.
fn assert_among(now: &Value, before: &Value) {
    for row in rows(before) {
        assert!(rows(now).iter().any(|now| keeps(now, row)), "{row:#} is not in {now:#}");
    }
}

/// Asserts that the shop shows everything that it showed before the upgrade.
async fn assert_shown(shop: &Shop, shown: &Value) {
    let admin = shop.admin().await;
    for before in rows(&shown["orders"]) {
        let path = format!("/orders/{}", before["orderId"]);
        let mut now = admin.get(&path).await.expect(200).json;
        now["timeline"] = admin.get(&format!("{path}/timeline")).await.expect(200).json["items"].clone();
        assert!(keeps(&now, before), "{before:#} became {now:#}");
    }
    for before in rows(&shown["payments"]) {
        let now = admin.get(&format!("/payments/{}", before["paymentId"])).await.expect(200).json;
        assert!(keeps(&now, before), "{before:#} became {now:#}");
    }
    assert_among(&shop.client.get("/products?size=100").await.expect(200).json["items"], &shown["products"]);
    for before in rows(&shown["customers"]) {
        let customer = sign_in(shop, before["email"].as_str().unwrap()).await.client;
        if !on_engines() {
            assert_among(&customer.get("/wishlist").await.expect(200).json["items"], &before["wishlist"]);
        }
        assert_among(&customer.get("/notifications?size=100").await.expect(200).json["items"], &before["notices"]);
    }
    let pictures: Vec<&str> =
        rows(&shown["products"]).iter().filter_map(|product| product["imageUrl"].as_str()).collect();
    assert!(!pictures.is_empty());
    let root = Client::new(format!("http://127.0.0.1:{}", shop.port));
    for picture in pictures {
        root.get(picture).await.expect(200);
    }
}

/// Signs a customer in who registered before the upgrade.
async fn sign_in(shop: &Shop, email: &str) -> Shopper {
    let mut customer = Shopper { client: shop.client.clone(), email: email.to_owned() };
    customer.sign_in_again(shop).await;
    customer
}

/// Returns the numbers of the orders that an admin finds.
async fn found(shop: &Shop, words: &str) -> BTreeSet<u64> {
    let page = shop.admin().await.get(&format!("/orders?size=100&q={words}")).await.expect(200).json;
    rows(&page["items"]).iter().map(|order| order["orderId"].as_u64().unwrap()).collect()
}

/// Returns the numbers of the orders before the upgrade for a recipient.
fn orders_for(shown: &Value, name: &str) -> BTreeSet<u64> {
    let for_name = rows(&shown["orders"]).iter().filter(|order| order["shippingAddress"]["name"] == name);
    for_name.map(|order| order["orderId"].as_u64().unwrap()).collect()
}

/// Asserts that the purchases which the kill interrupted are finished.
async fn assert_finished(shop: &Shop, shown: &Value) {
    let zoe = sign_in(shop, "zoe@example.com").await;
    zoe.wait_for_status(&json!({"orderId": shown["undecided"]}), "confirmed").await;
    shop.advance(SETTLE_AFTER).await;
    let grace = sign_in(shop, "grace@example.com").await;
    grace.wait_for_status(&json!({"orderId": shown["settling"]}), "paid").await;
}

/// Pays an order that waited before the upgrade, orders the cart from before, and buys something new.
async fn assert_sells(shop: &Shop, shown: &Value) {
    let ada = sign_in(shop, "ada@example.com").await;
    let waiting = json!({"orderId": shown["waiting"]});
    assert_eq!(ada.pay(&waiting, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&waiting, "paid").await;
    if !on_engines() {
        let ordered = ada.order_cart("onDelivery").await;
        assert_eq!((&ordered["status"], &ordered["items"][0]["quantity"]), (&json!("confirmed"), &json!(2)));
        ada.wait_for_cart_state("ordered").await;
    }
    let kettle = shop.product("Kettle", 3).await;
    let bought = ada.order(kettle, 2).await;
    assert_eq!(ada.pay(&bought, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&bought, "paid").await;
    assert!(found(shop, "byron+ad").await.contains(&bought["orderId"].as_u64().unwrap()));
    eventually("the customer has a notice of it", || async {
        let notices = ada.client.get("/notifications?size=100").await.expect(200).text;
        notices.contains(&bought["orderId"].to_string())
    })
    .await;
}

#[tokio::test]
async fn a_shop_of_each_earlier_release_is_upgraded_by_its_start() {
    let fixtures = fixtures();
    assert!(!fixtures.is_empty());
    for fixture in fixtures {
        println!("the shop of {}", fixture.display());
        let text = std::fs::read_to_string(part(&fixture, "shown.json")).unwrap();
        let shown: Value = serde_json::from_str(&text).unwrap();
        let mut shop = start(&fixture, &shown).await;
        assert_shown(&shop, &shown).await;
        if !on_engines() {
            // Dumps are of a shop that rests.
            assert_finished(&shop, &shown).await;
        }
        // Orders from before the index of names.
        assert_eq!(found(&shop, "byron+ad").await, orders_for(&shown, "Ada Byron"));
        let for_zoe = orders_for(&shown, "Zoë O'Neill-Müller");
        assert!(for_zoe.len() > 1 && found(&shop, "zoe+muller").await.is_superset(&for_zoe));
        assert_sells(&shop, &shown).await;
        shop.assert_clean().await;

        // The second start finds nothing to migrate.
        let orders = shop.admin().await.get("/orders").await.expect(200).json["total"].clone();
        assert_eq!(shop.interrupt().await, Some(0));
        shop.restart().await;
        assert_eq!(shop.admin().await.get("/orders").await.expect(200).json["total"], orders);
        shop.assert_clean().await;
    }
}
