//! The commands that Redis receives, recorded by MONITOR: only scripts write; each declares every key that it uses, all in
//! one slot; a cart and its events are written by one script.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use souk_cart::{
    cart::{CartCommand, NewItem, OrderStage},
    product::{AlertKind, ProductUpdate},
    store::{CommandContext, WishAlert},
};
use souk_events::WishlistBackInStock;
use souk_values::{Currency, Money};

use crate::{
    fixture::{Fixture, HOUR, euros, product, seen},
    has_engines,
};

const PREFIX: &str = "t:";
const READS: [&str; 15] = [
    "GET", "HGET", "HMGET", "HGETALL", "HVALS", "ZRANGE", "ZSCORE", "SCARD", "XLEN", "XRANGE", "INFO", "MULTI", "EXEC",
    "SCRIPT", "ECHO",
];

/// A command as MONITOR shows it.
struct MonitoredCommand {
    is_within_script: bool,
    words: Vec<String>,
}

impl MonitoredCommand {
    fn parse(line: &str) -> Self {
        let (head, rest) = line.split_once("] ").unwrap();
        let mut words = Vec::new();
        let mut word = String::new();
        let mut is_open = false;
        let mut is_escaped = false;
        for letter in rest.chars() {
            match letter {
                _ if is_escaped => {
                    word.push(letter);
                    is_escaped = false;
                }
                '\\' => is_escaped = true,
                '"' if is_open => {
                    words.push(std::mem::take(&mut word));
                    is_open = false;
                }
                '"' => is_open = true,
                _ if is_open => word.push(letter),
                _ => {}
            }
        }
        words[0].make_ascii_uppercase();
        Self { is_within_script: head.ends_with(" lua"), words }
    }

    fn keys(&self) -> BTreeSet<&str> {
        self.words[1..].iter().map(String::as_str).filter(|word| word.starts_with(PREFIX)).collect()
    }
}

/// Returns the slot of a key, as the Redis Cluster specification computes it.
fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
    let hashed = tag.filter(|tag| !tag.is_empty()).unwrap_or(key);
    let crc = hashed.bytes().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    crc % 16_384
}

#[test]
fn slots_are_those_of_the_specification() {
    assert_eq!((slot("123456789"), slot("foo"), slot("x{foo}y")), (0x31c3, 12_182, 12_182));
}

/// Uses every method of a store and its outbox.
async fn use_everything(fixture: &Fixture) {
    let (store, outbox) = fixture.open().await;
    let user = fixture.shopper(&store).await;
    let now = fixture.now();
    let cart = store.cart(user).await.unwrap();
    let order = fixture.ids.next();
    let context = CommandContext { cause: Some(fixture.cause()), ..fixture.context(now) };
    store.execute(user, fixture.follow(&cart, order, OrderStage::Placed), context).await.unwrap();
    fixture.execute(&store, user, fixture.follow(&cart, order, OrderStage::Paid)).await.unwrap();
    assert_eq!(store.latest_purchases(user, 5).await.unwrap().len(), 1);
    let other = fixture.shopper(&store).await;
    let price = Money::new(100, Currency::EUR);
    for revision in 1..3 {
        let name = "x".to_owned();
        let update = ProductUpdate {
            product_id: product(1),
            name,
            price,
            stock: 1,
            hidden: false,
            link: None,
            revision,
            is_back: true,
        };
        store.update_product(update).await.unwrap();
    }
    store.known_products(&[product(1), product(2)]).await.unwrap();
    for number in 1..4 {
        store.add_wish(other, product(number), seen(1), now).await.unwrap();
    }
    store.add_wish(other, product(1), seen(1), now).await.unwrap();
    store.wishes(other).await.unwrap();
    assert_eq!(store.users_to_alert(product(1), AlertKind::BackInStock, 2, None, 5).await.unwrap(), [other]);
    let event = WishlistBackInStock { user_id: other, product_id: product(1), name: "x".into(), price, revision: 2 };
    let envelope = fixture.stamper().stamp(&event).unwrap();
    let kind = AlertKind::BackInStock;
    let alert = WishAlert { user_id: other, product_id: product(1), kind, revision: 2, envelope };
    assert!(store.publish_alert(alert).await.unwrap());
    store.remove_wish(other, product(2)).await.unwrap();
    let item =
        NewItem { cart_item_id: "i".into(), product_id: product(3), name: "x".into(), price: euros(100), quantity: 1 };
    fixture.execute(&store, other, CartCommand::AddFromWishlist(item)).await.unwrap();
    let later = now.plus(30 * HOUR);
    for due in store.due_carts(later, 10).await.unwrap().users {
        store.execute(due, CartCommand::Expire, fixture.context(later)).await.unwrap();
    }
    store.count_active_carts().await.unwrap();
    store.ping(now).await.unwrap();
    outbox.backlog().await.unwrap();
    drop(outbox.claim(10).await.unwrap());
    let claim = outbox.claim(10).await.unwrap();
    let ids: Vec<_> = claim.envelopes().iter().map(|envelope| envelope.id).collect();
    assert!(ids.len() >= 3);
    claim.confirm(&ids).await.unwrap();
    store.purge_inbox(later).await.unwrap();
    assert!(store.claim_job("purge", later, HOUR).await.unwrap());
}

/// Returns every command that the server receives from [`use_everything`]; `None` when tests of the engines do not run.
async fn monitor() -> Option<Vec<MonitoredCommand>> {
    if !has_engines() {
        return None;
    }
    let fixture = Fixture::redis_with_cluster_rules().await;
    let server = fixture.server.as_ref().unwrap();
    let mut monitor = server.client().get_async_monitor().await.unwrap().into_on_message::<String>();
    use_everything(&fixture).await;
    let _: String = server.query(redis::cmd("ECHO").arg("end of test")).await;
    let mut commands = Vec::new();
    while let Some(line) = monitor.next().await {
        commands.push(MonitoredCommand::parse(&line));
        if line.ends_with("\"end of test\"") {
            return Some(commands);
        }
    }
    panic!("the monitor ended early");
}

#[tokio::test]
async fn only_scripts_write_and_each_declares_its_keys_in_one_slot() {
    let Some(commands) = monitor().await else { return };
    let mut declared = BTreeSet::new();
    let mut scripts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut running = "";
    for line in &commands {
        if line.is_within_script {
            let undeclared: Vec<_> = line.keys().into_iter().filter(|key| !declared.contains(*key)).collect();
            assert_eq!(undeclared, [""; 0], "{:?} of script {running}", line.words);
            scripts.entry(running).or_default().insert(&line.words[0]);
        } else if line.words[0] == "EVALSHA" {
            let count: usize = line.words[2].parse().unwrap();
            declared = line.words[3..3 + count].iter().map(String::as_str).collect();
            running = &line.words[1];
            assert_eq!(line.keys(), declared, "keys are not hidden among the arguments");
            let slots: BTreeSet<u16> = declared.iter().map(|key| slot(key)).collect();
            assert_eq!(slots.len(), 1, "{declared:?}");
        } else {
            let is_setting_up = ["CLIENT", "SELECT", "HELLO", "PING", "COMMAND"].contains(&line.words[0].as_str());
            assert!(is_setting_up || READS.contains(&line.words[0].as_str()), "{:?} is not a script", line.words);
        }
    }
    assert_eq!(scripts.len(), 15, "every script of scripts.rs has run: {scripts:?}");
}

#[tokio::test]
async fn a_cart_and_its_events_are_written_by_one_script() {
    let Some(commands) = monitor().await else { return };
    let mut runs: Vec<BTreeSet<String>> = Vec::new();
    for line in &commands {
        if line.words[0] == "EVALSHA" {
            runs.push(BTreeSet::new());
        } else if line.is_within_script {
            let run = runs.last_mut().unwrap();
            run.extend(line.keys().iter().map(|key| format!("{} {}", line.words[0], key.rsplit('}').next().unwrap())));
        }
    }
    let publishing: Vec<_> = runs.iter().filter(|run| run.contains("XADD :outbox")).collect();
    // An order took items, an item expired, an alert was published.
    assert_eq!(publishing.len(), 3, "{publishing:?}");
    let writes = |run: &BTreeSet<String>, what: &str| run.iter().any(|command| command.starts_with(what));
    assert!(
        publishing
            .iter()
            .all(|run| writes(run, "HSET :cart:") || writes(run, "DEL :cart:") || writes(run, "HSET :wishes:"))
    );
    let checked_out = publishing.iter().filter(|run| writes(run, "HSET :orders:")).collect::<Vec<_>>();
    assert_eq!(checked_out.len(), 1);
    for part in ["HSET :cart:", "ZADD :due", "SREM :active", "ZADD :inbox", "PEXPIREAT :cart:"] {
        assert!(writes(checked_out[0], part), "{part} in {:?}", checked_out[0]);
    }
}

#[tokio::test]
async fn a_save_is_refused_whatever_has_changed() {
    if !has_engines() {
        return;
    }
    let fixture = Fixture::own_redis().await;
    let server = fixture.server.as_ref().unwrap();
    let send = async |command: &[&str]| {
        let _: redis::Value = server.query(redis::cmd(command[0]).arg(&command[1..])).await;
    };
    send(&["HSET", "cart", "version", "1", "contents", "{}", "stamp", "5"]).await;
    send(&["ZADD", "inbox", "1", "known"]).await;
    send(&["HSET", "orders", "8", "1:placed"]).await;
    send(&["HSET", "wishes", "3", "1:1:1:1"]).await;
    send(&["HSET", "orders", "2", "1:paid"]).await;
    send(&["HSET", "purchased", "4", "item"]).await;
    let script = redis::Script::new(include_str!("../../src/store/redis/save_cart.lua"));
    let save = async |stamp: &str, entry: &str, known: &str, wish: &str, bought: &str| {
        let mut save = script.prepare_invoke();
        for key in ["cart", "due", "active", "outbox", "inbox", "orders", "wishes", "saves", "purchased", "bought"] {
            save.key(key);
        }
        let cart = ["7", stamp, "keep", "2", "new", "99", "1", "", entry, "50", "8", known, "2:paid", "3", wish];
        let rest = ["5", "9000000000000", "2", "4", bought, "", "0", "6", "", "other", "70", "event"];
        for argument in cart.into_iter().chain(rest) {
            save.arg(argument);
        }
        save.invoke_async::<i64>(&mut server.connection().await).await.unwrap()
    };
    let stamp = "5";
    let entry = "new";
    let known = "1:placed";
    let wish = "1:1:1:1";
    let bought = "item";
    assert_eq!(save("4", entry, known, wish, bought).await, 0, "the cart has changed");
    assert_eq!(save("", entry, known, wish, bought).await, 0, "there is a cart now");
    assert_eq!(save(stamp, "known", known, wish, bought).await, 0, "the event was applied");
    assert_eq!(save(stamp, entry, "", wish, bought).await, 0, "the order is known now");
    assert_eq!(save(stamp, entry, known, "", bought).await, 0, "the wish has changed");
    assert_eq!(save(stamp, entry, known, wish, "").await, 0, "the product was bought meanwhile");
    let contents = || async { server.query::<String>(redis::cmd("HGET").arg("cart").arg("contents")).await };
    let written =
        || async { server.query::<i64>(redis::cmd("EXISTS").arg(&["due", "active", "outbox", "saves"])).await };
    assert_eq!((contents().await.as_str(), written().await), ("{}", 0));
    assert_eq!(save(stamp, entry, known, wish, bought).await, 1);
    assert_eq!((contents().await.as_str(), written().await), ("new", 4));
    let all = async |command: &str, key: &str| server.query::<Vec<String>>(redis::cmd(command).arg(key)).await;
    assert_eq!(all("HGETALL", "purchased").await, ["6", "other"]);
    assert_eq!(server.query::<Vec<String>>(redis::cmd("ZRANGE").arg("bought").arg(&["0", "-1"])).await, ["6"]);
    assert_eq!(all("HGETALL", "orders").await, ["8", "2:paid"], "an old order is forgotten");
    assert_eq!(save(stamp, entry, known, wish, bought).await, 0, "the same once more");
}
