//! Engines that stop and networks that fail under load, in a shop of many processes: nothing acknowledged is lost,
//! every order reaches a final state, every invariant holds.

use std::time::Duration;

use lapin::{BasicProperties, Connection, ConnectionProperties, options::BasicPublishOptions};
use serde_json::json;
use souk_testkit::{Broker, Proxy, eventually, needs_engines};

use crate::{Engines, Fleet, Shop, Shopper, crash::seed, load::Load};

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_stopped_and_started_under_load() {
    if !needs_engines() {
        return;
    }
    let mut broker = Broker::start().await;
    let mut engines = Engines::new();
    engines.put("SOUK_BUS__URL", broker.url());
    let shop = Shop::of_fleet(Fleet::start(engines, &[])).await;
    let load = Load::start(&shop, seed()).await;
    eventually("shoppers are at work", || async { load.orders() > 10 }).await;
    for _ in 0..2 {
        broker.kill().await;
        let before = load.undecided();
        // Orders are accepted while the broker is down; they stay `created`.
        eventually("orders are accepted without the broker", || async { load.undecided() >= before + 5 }).await;
        broker.resume().await;
        let then = load.orders();
        eventually("the shop goes on", || async { load.orders() > then + 10 }).await;
    }
    let acknowledged = load.stop().await;
    acknowledged.assert_kept(&shop).await;
}

/// Cuts, slows down, half-closes and refuses the connections of `proxy`, for about seven seconds.
async fn fail(proxy: &Proxy) {
    for _ in 0..3 {
        proxy.cut();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    proxy.delay(Duration::from_millis(200));
    tokio::time::sleep(Duration::from_secs(3)).await;
    proxy.delay(Duration::ZERO);
    for _ in 0..3 {
        proxy.half_close();
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    proxy.refuse(true);
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.refuse(false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_to_each_engine_fails_under_load() {
    if !needs_engines() {
        return;
    }
    let mut engines = Engines::new();
    let mut proxies = Vec::new();
    for (engine, services) in [
        ("PostgreSQL", &["SOUK_ORDER__STORE_URL", "SOUK_PAYMENT__STORE_URL", "SOUK_NOTIFICATION__STORE_URL"][..]),
        ("MySQL", &["SOUK_PRODUCT__STORE_URL"]),
        ("Redis", &["SOUK_CART__STORE_URL"]),
        ("RabbitMQ", &["SOUK_BUS__URL"]),
    ] {
        let environment = engines.environment();
        let first = url::Url::parse(&environment[services[0]]).unwrap();
        let proxy = Proxy::to(format!("{}:{}", first.host_str().unwrap(), first.port().unwrap())).await;
        for service in services {
            engines.put(service, proxy.instead_of(&environment[*service]));
        }
        proxies.push((engine, proxy));
    }
    let shop = Shop::of_fleet(Fleet::start(engines, &[])).await;
    let load = Load::start(&shop, seed()).await;
    eventually("shoppers are at work", || async { load.orders() > 10 }).await;
    for (engine, proxy) in &proxies {
        fail(proxy).await;
        let then = load.orders();
        println!("{engine}: {then} orders so far");
        shop.wait_until_ready().await;
        eventually("the shop goes on", || async { load.orders() > then + 5 }).await;
    }
    let acknowledged = load.stop().await;
    acknowledged.assert_kept(&shop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_message_ends_in_the_dead_letters_and_holds_nothing_up() {
    if !needs_engines() {
        return;
    }
    let engines = Engines::new();
    let (url, prefix) = (engines.environment()["SOUK_BUS__URL"].clone(), engines.prefix());
    let shop = Shop::of_fleet(Fleet::start(engines, &[])).await;
    let kettle = shop.product("Kettle", 10).await;
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let queue = format!("{prefix}product.orders");
    for poison in [&b"\xff\x00 not even text"[..], b"{\"type\": \"order.created.v1\"}", b""] {
        let publishing = channel.basic_publish(
            "".into(),
            queue.as_str().into(),
            BasicPublishOptions::default(),
            poison,
            BasicProperties::default(),
        );
        publishing.await.unwrap().await.unwrap();
    }
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 1).await;
    assert_eq!(order["status"], "confirmed", "{order}");
    let listed = || async {
        let (code, letters, error) = shop.command(&["dead-letters", "list", "--json"]).await;
        assert_eq!(code, 0, "{error}");
        serde_json::from_str::<serde_json::Value>(&letters).unwrap().as_array().unwrap().clone()
    };
    eventually("all three are dead letters", || async { listed().await.len() == 3 }).await;
    let (code, report, _) = shop.command(&["audit", "--settle", "1"]).await;
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("violated 11: queue product.orders: 3 dead letters"), "{report}");
    for letter in listed().await {
        assert_eq!(letter["queue"], "product.orders", "{letter}");
        let id = letter["deadLetterId"].as_str().unwrap().to_owned();
        let (code, shown, _) = shop.command(&["dead-letters", "show", &id]).await;
        assert_eq!(code, 0, "{shown}");
        let (code, _, error) = shop.command(&["dead-letters", "discard", &id]).await;
        assert_eq!(code, 0, "{error}");
    }
    assert_eq!(json!(listed().await), json!([]));
    shop.assert_clean().await;
}
