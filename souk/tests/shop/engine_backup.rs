//! The back-up of a shop on engines, step by step as `docs/backup.md` has it, and its restore into empty engines.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use souk_testkit::{Broker, Client, RedisServer, eventually, needs_engines};

use crate::{
    Engines, Fleet, Shop, Shopper,
    crash::seed,
    dumps::Dumps,
    load::Load,
    operating::upload_picture,
    process::{BINARY, output},
};

/// Limit of draining a closed shop. A payment whose response was lost is settled within a minute.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);
/// Orders before the shop is closed.
const ORDERS: usize = 40;

/// Runs the audit of a distributed shop. Returns true if the shop is clean, and nothing waits in an outbox or a queue.
async fn rests(fleet: &Fleet) -> bool {
    let (_, report, error) = output(fleet.command(&["audit", "--json"])).await;
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
    assert_eq!(report["broker"], Value::Null, "the broker is there");
    report["clean"] == true && report["pending"] == json!([]) && report["queued"].is_null()
}

async fn drain(fleet: &Fleet) {
    let started = Instant::now();
    while !rests(fleet).await {
        assert!(started.elapsed() < DRAIN_TIMEOUT, "the closed shop does not rest:\n{}", fleet.logs());
    }
    println!("drained after {:?}", started.elapsed());
}

fn pictures(fleet: &Fleet) -> PathBuf {
    PathBuf::from(&fleet.environment["SOUK_PRODUCT__PICTURES_DIR"])
}

/// Returns the product and the quantity of each item in the cart.
async fn in_cart(customer: &Shopper) -> Vec<(i64, i64)> {
    let cart = customer.cart().await;
    let number = |item: &Value, name: &str| item[name].as_i64().unwrap();
    let items = cart["items"].as_array().unwrap();
    items.iter().map(|item| (number(item, "productId"), number(item, "quantity"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_shop_on_engines_is_dumped_and_restored_elsewhere() {
    if !needs_engines() {
        return;
    }
    let carts = RedisServer::start().await;
    let mut engines = Engines::new();
    engines.put("SOUK_CART__STORE_URL", carts.url("souk:"));
    let mut shop = Shop::of_fleet(Fleet::start(engines, &[("order", 2)])).await;
    let vase = shop.product("Vase", 10).await;
    let picture = upload_picture(&shop, vase).await;
    let mut ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(vase, 2).await;
    let load = Load::start(&shop, seed()).await;
    eventually("the shop sells", || async { load.orders() >= ORDERS }).await;

    shop.fleet().close();
    let acknowledged = load.stop().await;
    assert!(acknowledged.orders.len() >= ORDERS && !acknowledged.payments.is_empty());
    drain(shop.fleet()).await;
    shop.fleet().stop();
    assert!(rests(shop.fleet()).await, "the stopped shop has something in progress");
    let stored = pictures(shop.fleet());
    let dumps = Dumps::of(&shop, &carts, &stored);

    // The shop goes on selling. What it sells now is not in the dumps.
    shop.fleet().restart_ended();
    shop.fleet().open();
    shop.wait_until_ready().await;
    acknowledged.assert_kept(&shop).await;
    let later = ada.order(vase, 1).await;
    drop(shop);
    drop(carts);

    let broker = Broker::start().await;
    let mut carts = dumps.restore_carts().await;
    let mut engines = Engines::new();
    dumps.restore(&engines);
    engines.put("SOUK_CART__STORE_URL", carts.url("souk:"));
    engines.put("SOUK_BUS__URL", broker.url());
    let mut migrate = Command::new(BINARY);
    migrate.args(["migrate", "--all", "--distributed"]).envs(engines.environment());
    let (code, _, error) = output(migrate).await;
    assert_eq!(code, 0, "{error}");
    let mut fleet = Fleet::closed(engines, &[]);
    dumps.restore_pictures(&pictures(&fleet));
    fleet.wait_until_ready().await;
    assert!(rests(&fleet).await, "the restored shop is not clean");
    fleet.open();
    let shop = Shop::of_fleet(fleet).await;

    acknowledged.assert_kept(&shop).await;
    shop.admin().await.get(&format!("/orders/{}", later["orderId"])).await.expect(404);
    Client::new(format!("http://127.0.0.1:{}", shop.port)).get(&picture).await.expect(200);
    ada.sign_in_again(&shop).await;
    assert_eq!(in_cart(&ada).await, [(vase, 2)]);
    // The carts outlive a power failure: the append-only file has what came from the dump.
    carts.stop();
    carts.start_again().await;
    eventually("cart has its store again", || async {
        ada.client.get("/cart").await.status == 200 && in_cart(&ada).await == [(vase, 2)]
    })
    .await;
    let order = ada.order_cart("prepaid").await;
    assert_eq!(order["status"], "confirmed", "{order}");
    assert_eq!(ada.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&order, "paid").await;
    assert_eq!(shop.stock(vase).await, 8);
    shop.assert_clean().await;
}
