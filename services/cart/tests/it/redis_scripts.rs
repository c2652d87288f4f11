//! What is sent to Redis, watched from outside: only scripts write; each names every key that it touches,
//! all in one slot; a cart and the events that tell of it are written by one script.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use souk_cart::{
    cart::{Act, NewItem, Stage},
    product::{Notice, ProductNews},
    store::{Occasion, Telling},
};
use souk_events::WishlistBackInStock;
use souk_values::{Currency, Money};

use crate::{
    engines_are_there,
    place::{HOUR, Place, product},
};

const PREFIX: &str = "t:";
const READS: [&str; 14] = [
    "GET", "HGET", "HMGET", "HGETALL", "ZRANGE", "ZSCORE", "SCARD", "XLEN", "XRANGE", "INFO", "MULTI", "EXEC",
    "SCRIPT", "ECHO",
];

/// A line of MONITOR.
struct Seen {
    is_within_script: bool,
    words: Vec<String>,
}

impl Seen {
    fn read(line: &str) -> Self {
        let (head, rest) = line.split_once("] ").unwrap();
        let (mut words, mut word, mut is_open, mut is_escaped) = (Vec::new(), String::new(), false, false);
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

/// The slot of a key, as Redis Cluster's specification computes it.
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

/// Does everything that a store and its outbox can do.
async fn do_everything(place: &Place) {
    let (store, outbox) = place.open().await;
    let (user, now) = (place.shopper(&store).await, place.now());
    let (cart, order) = (store.cart(user).await.unwrap(), place.ids.next());
    let because = Occasion { cause: Some(place.cause()), ..place.occasion(now) };
    store.act(user, place.follow(&cart, order, Stage::Placed), because).await.unwrap();
    place.act(&store, user, place.follow(&cart, order, Stage::Paid)).await.unwrap();
    let other = place.shopper(&store).await;
    let price = Money::new(100, Currency::EUR);
    for revision in 1..3 {
        let name = "x".to_owned();
        let news =
            ProductNews { product_id: product(1), name, price, stock: 1, hidden: false, revision, is_back: true };
        store.learn(news).await.unwrap();
    }
    store.products(&[product(1), product(2)]).await.unwrap();
    for number in 1..4 {
        store.wish(other, product(number), 1, now).await.unwrap();
    }
    store.wish(other, product(1), 1, now).await.unwrap();
    store.wishes(other).await.unwrap();
    assert_eq!(store.untold(product(1), (Notice::Back, 2), None, 5).await.unwrap(), [other]);
    let event = WishlistBackInStock { user_id: other, product_id: product(1), name: "x".into(), price, revision: 2 };
    let (envelope, notice) = (place.stamper().stamp(&event).unwrap(), Notice::Back);
    let telling = Telling { user_id: other, product_id: product(1), notice, revision: 2, envelope };
    assert!(store.tell(telling).await.unwrap());
    store.unwish(other, product(2)).await.unwrap();
    let item = NewItem { cart_item_id: "i".into(), product_id: product(3), name: "x".into(), quantity: 1 };
    place.act(&store, other, Act::AddWished(item)).await.unwrap();
    let later = now.plus(30 * HOUR);
    for due in store.due(later, 10).await.unwrap().users {
        store.act(due, Act::Sweep, place.occasion(later)).await.unwrap();
    }
    store.active_carts().await.unwrap();
    store.ping(now).await.unwrap();
    outbox.backlog().await.unwrap();
    drop(outbox.claim(10).await.unwrap());
    let claim = outbox.claim(10).await.unwrap();
    let ids: Vec<_> = claim.envelopes().iter().map(|envelope| envelope.id).collect();
    assert!(ids.len() >= 3);
    claim.confirm(&ids).await.unwrap();
    store.forget_old(later).await.unwrap();
}

/// Everything that is sent while everything is done.
async fn watch() -> Option<Vec<Seen>> {
    if !engines_are_there() {
        return None;
    }
    let place = Place::redis_with_cluster_rules().await;
    let server = place.server.as_ref().unwrap();
    let mut monitor = server.client().get_async_monitor().await.unwrap().into_on_message::<String>();
    do_everything(&place).await;
    let _: String = server.ask(redis::cmd("ECHO").arg("that was all")).await;
    let mut seen = Vec::new();
    while let Some(line) = monitor.next().await {
        seen.push(Seen::read(&line));
        if line.ends_with("\"that was all\"") {
            return Some(seen);
        }
    }
    panic!("the monitor ended early");
}

#[tokio::test]
async fn only_scripts_write_and_each_keeps_to_its_keys_in_one_slot() {
    let Some(seen) = watch().await else { return };
    let mut declared = BTreeSet::new();
    let mut scripts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut running = "";
    for line in &seen {
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
            assert!(is_setting_up || READS.contains(&line.words[0].as_str()), "{:?} is no script", line.words);
        }
    }
    // Partitions, probe, relay, save, learn, hint, drop_hint, wish, unwish, tell, claim, confirm, forget.
    assert_eq!(scripts.len(), 13, "all scripts ran: {scripts:?}");
}

#[tokio::test]
async fn a_cart_and_what_tells_of_it_are_written_by_one_script() {
    let Some(seen) = watch().await else { return };
    let mut runs: Vec<BTreeSet<String>> = Vec::new();
    for line in &seen {
        if line.words[0] == "EVALSHA" {
            runs.push(BTreeSet::new());
        } else if line.is_within_script {
            let run = runs.last_mut().unwrap();
            run.extend(line.keys().iter().map(|key| format!("{} {}", line.words[0], key.rsplit('}').next().unwrap())));
        }
    }
    let telling: Vec<_> = runs.iter().filter(|run| run.contains("XADD :outbox")).collect();
    // An order took lines; an item was over; a wish was told.
    assert_eq!(telling.len(), 3, "{telling:?}");
    let is_about = |run: &BTreeSet<String>, what: &str| run.iter().any(|act| act.starts_with(what));
    assert!(
        telling
            .iter()
            .all(|run| is_about(run, "HSET :cart:") || is_about(run, "DEL :cart:") || is_about(run, "HSET :wishes:"))
    );
    let checked_out = telling.iter().filter(|run| is_about(run, "HSET :orders:")).collect::<Vec<_>>();
    assert_eq!(checked_out.len(), 1);
    for part in ["HSET :cart:", "ZADD :due", "SREM :active", "ZADD :inbox", "PEXPIREAT :cart:"] {
        assert!(is_about(checked_out[0], part), "{part} in {:?}", checked_out[0]);
    }
}

#[tokio::test]
async fn a_save_is_refused_whatever_has_changed() {
    if !engines_are_there() {
        return;
    }
    let place = Place::own_redis().await;
    let server = place.server.as_ref().unwrap();
    let ask = async |command: &[&str]| {
        let _: redis::Value = server.ask(redis::cmd(command[0]).arg(&command[1..])).await;
    };
    ask(&["HSET", "cart", "version", "1", "contents", "{}", "stamp", "5"]).await;
    ask(&["ZADD", "inbox", "1", "known"]).await;
    ask(&["HSET", "orders", "8", "1:placed"]).await;
    ask(&["HSET", "wishes", "3", "1:1:1:1"]).await;
    let script = redis::Script::new(include_str!("../../src/store/redis/save.lua"));
    let save = async |stamp: &str, mark: &str, known: &str, wish: &str| {
        let mut save = script.prepare_invoke();
        for key in ["cart", "due", "active", "outbox", "inbox", "orders", "wishes", "saves"] {
            save.key(key);
        }
        for argument in
            ["7", stamp, "keep", "2", "new", "99", "1", "", mark, "50", "8", known, "2:paid", "3", wish, "event"]
        {
            save.arg(argument);
        }
        save.invoke_async::<i64>(&mut server.connection().await).await.unwrap()
    };
    let (stamp, mark, known, wish) = ("5", "new", "1:placed", "1:1:1:1");
    assert_eq!(save("4", mark, known, wish).await, 0, "the cart has changed");
    assert_eq!(save("", mark, known, wish).await, 0, "there is a cart now");
    assert_eq!(save(stamp, "known", known, wish).await, 0, "the event had its effect");
    assert_eq!(save(stamp, mark, "", wish).await, 0, "the order is known now");
    assert_eq!(save(stamp, mark, known, "").await, 0, "the wish has changed");
    let contents = || async { server.ask::<String>(redis::cmd("HGET").arg("cart").arg("contents")).await };
    let written = || async { server.ask::<i64>(redis::cmd("EXISTS").arg(&["due", "active", "outbox", "saves"])).await };
    assert_eq!((contents().await.as_str(), written().await), ("{}", 0));
    assert_eq!(save(stamp, mark, known, wish).await, 1);
    assert_eq!((contents().await.as_str(), written().await), ("new", 4));
    assert_eq!(save(stamp, mark, known, wish).await, 0, "the same once more");
}
