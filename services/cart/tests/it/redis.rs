//! What only Redis has to show: its keys and their time, its scripts, its relays, and what happens when
//! it is away, full, read-only or damaged. Each test has a server of its own.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use serde_json::json;
use souk_bus::Outbox;
use souk_cart::{
    CartConfig,
    cart::{Act, Stage},
    store::{self, StoreError, redis as carts},
};
use souk_kit::auth::Role;
use souk_sql::SqlError;
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, Id, UserId};
use uuid::Uuid;

use crate::{
    engines_are_there,
    place::{HOUR, Place, quantities},
    shop,
};

const DAY_MS: i64 = 86_400_000;

/// A place on a server of its own; `None` when engines are not there.
async fn place() -> Option<Place> {
    if engines_are_there() { Some(Place::own_redis().await) } else { None }
}

fn key(user: UserId, name: &str) -> String {
    format!("t:{{{}}}:{name}", user.get() % 64)
}

fn is_unavailable<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Engine(SqlError::Unavailable(_))))
}

#[tokio::test]
async fn a_key_goes_by_itself_a_day_after_its_latest_item() {
    let Some(place) = place().await else { return };
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let user = place.shopper(&store).await;
    let left = || async { server.ask::<i64>(redis::cmd("PTTL").arg(key(user, &format!("cart:{user}")))).await };
    let is_days = |left: i64, days: i64| (days * DAY_MS - 60_000..=days * DAY_MS).contains(&left);
    assert!(is_days(left().await, 2), "{}", left().await);
    let (cart, order) = (store.cart(user).await.unwrap(), place.ids.next());
    place.act(&store, user, place.follow(&cart, order, Stage::Placed)).await.unwrap();
    assert!(is_days(left().await, 8), "{}", left().await);
    place.act(&store, user, place.follow(&cart, order, Stage::Paid)).await.unwrap();
    assert_eq!(left().await, -1, "what was bought stays");
    place.act(&store, user, place.follow(&cart, order, Stage::Cancelled)).await.unwrap();
    assert!(is_days(left().await, 2), "{}", left().await);
}

#[tokio::test]
async fn a_cart_that_went_by_itself_leaves_no_trace_in_the_indexes() {
    let Some(place) = place().await else { return };
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let user = place.shopper(&store).await;
    assert_eq!(server.ask::<i64>(redis::cmd("DEL").arg(key(user, &format!("cart:{user}")))).await, 1);
    let later = place.now().plus(30 * HOUR);
    assert_eq!((store.active_carts().await.unwrap(), store.due(later, 9).await.unwrap().users), (1, vec![user]));
    assert!(!store.act(user, Act::Sweep, place.occasion(later)).await.unwrap().is_applied);
    assert_eq!((store.active_carts().await.unwrap(), store.due(later, 9).await.unwrap().users), (0, vec![]));
}

#[tokio::test]
async fn another_number_of_partitions_is_refused() {
    let Some(place) = place().await else { return };
    carts::open_in(&place.url, Currency::EUR, 32).await.unwrap();
    let refused =
        |error: String| assert!(error.contains("in 32 partitions") && error.contains("this build in 64"), "{error}");
    let opened = store::open(&place.url, Currency::EUR).await;
    refused(opened.err().unwrap().to_string());
    refused(souk_cart::audit::read(&place.url).await.unwrap_err().to_string());
    refused(carts::health(&place.url).await.unwrap_err().to_string());
    carts::open_in(&place.url, Currency::EUR, 32).await.unwrap();
    let other = place.server.as_ref().unwrap().url("other:");
    store::open(&other, Currency::EUR).await.unwrap();
    // A store that goes on while another Redis comes to be at its address notices it too.
    let ((running, _), server) = (store::open(&other, Currency::EUR).await.unwrap(), place.server.as_ref().unwrap());
    let _: String = server.ask(redis::cmd("SET").arg("other:partitions").arg(7)).await;
    let _: i64 = server.ask(redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes")).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.extend(running.active_carts().await.err().map(|error| error.to_string()));
    }
    assert!(answers.last().unwrap().contains("in 7 partitions"), "{answers:?}");
}

/// `count` events that wait, each of another user.
async fn write_events(place: &Place, count: usize) -> Vec<UserId> {
    let (store, _) = place.open().await;
    let users = join_all((0..count).map(|_| place.shopper(&store))).await;
    let expired = place.now().plus(25 * HOUR);
    join_all(users.iter().map(|user| store.act(*user, Act::Sweep, place.occasion(expired)))).await;
    users
}

fn ids(claim: &dyn souk_bus::Claim) -> Vec<Uuid> {
    claim.envelopes().iter().map(|envelope| envelope.id).collect()
}

async fn confirm_all(claim: Box<dyn souk_bus::Claim>) -> Vec<Uuid> {
    let ids = ids(&*claim);
    claim.confirm(&ids).await.unwrap();
    ids
}

#[tokio::test]
async fn relays_never_hold_the_same_event() {
    let Some(place) = place().await else { return };
    write_events(&place, 100).await;
    let (mut claims, mut seen) = (Vec::new(), BTreeSet::new());
    let outboxes = join_all((0..3).map(|_| place.open())).await;
    for _ in 0..4 {
        let taken = join_all(outboxes.iter().flat_map(|(_, outbox)| [outbox.claim(9), outbox.claim(9)])).await;
        for claim in taken.into_iter().map(Result::unwrap) {
            assert!(ids(&*claim).into_iter().all(|id| seen.insert(id)), "an event is in one hand");
            claims.push(claim);
        }
    }
    assert_eq!(seen.len(), 100);
    // One relay gives back what it has, and gets just that again; nobody else does.
    let given_back: BTreeSet<Uuid> = claims.drain(..2).flat_map(|claim| ids(&*claim)).collect();
    assert_eq!(outboxes[1].1.claim(100).await.unwrap().envelopes().len(), 0);
    let mut again = BTreeSet::new();
    for _ in 0..20 {
        again.extend(confirm_all(outboxes[0].1.claim(100).await.unwrap()).await);
    }
    assert_eq!(again, given_back);
    let left = u64::try_from(100 - again.len()).unwrap();
    assert_eq!(outboxes[2].1.backlog().await.unwrap().pending, left);
}

#[tokio::test]
async fn what_a_dead_relay_held_is_taken_over() {
    let Some(place) = place().await else { return };
    write_events(&place, 20).await;
    let (_, dead) = carts::open(&place.url, Currency::EUR).await.unwrap();
    let lost = dead.claim(100).await.unwrap();
    assert_eq!(lost.envelopes().len(), 20);
    // It ends without giving anything back.
    std::mem::forget(lost);
    let (_, heir) = carts::open(&place.url, Currency::EUR).await.unwrap();
    assert_eq!(heir.claim(100).await.unwrap().envelopes().len(), 0, "it may still live");
    let heir = heir.taking_over_after(Duration::from_millis(20));
    let mut published = BTreeSet::new();
    for _ in 0..100 {
        published.extend(confirm_all(heir.claim(100).await.unwrap()).await);
        if published.len() == 20 {
            break;
        }
        // Until the entries have been idle for long enough by the server's own clock.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((published.len(), heir.backlog().await.unwrap().pending), (20, 0));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_stops_no_other() {
    let Some(place) = place().await else { return };
    let users = write_events(&place, 3).await;
    let server = place.server.as_ref().unwrap();
    let entry = ["*", "envelope", "{"];
    let _: String = server.ask(redis::cmd("XADD").arg(key(users[0], "outbox")).arg(&entry)).await;
    let (_, outbox) = place.open().await;
    assert_eq!(confirm_all(outbox.claim(100).await.unwrap()).await.len(), 3);
    let told = souk_cart::audit::unpublished(&place.url).await.unwrap_err().to_string();
    assert!(told.contains("of the outbox of partition") && told.contains("damaged"), "{told}");
}

#[tokio::test]
async fn what_is_damaged_is_named_and_nothing_is_half_written() {
    let Some(place) = place().await else { return };
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let (user, other) = (place.shopper(&store).await, place.shopper(&store).await);
    let cart = key(user, &format!("cart:{user}"));
    let _: i64 = server.ask(redis::cmd("HSET").arg(&cart).arg("contents").arg("[")).await;
    for told in [store.cart(user).await.unwrap_err(), place.act(&store, user, Act::Clear).await.unwrap_err()] {
        let told = told.to_string();
        assert!(told.contains(&format!("the cart of user {user} in Redis is damaged")), "{told}");
    }
    place.act(&store, other, place.add(1, 1)).await.unwrap();
    assert!(souk_cart::audit::read(&place.url).await.is_err());
    // A key of the wrong type, of those that the script writes after the cart, and before it.
    for (name, user) in [("active", place.user()), ("outbox", place.user()), ("saves", place.user())] {
        let wrong = key(user, name);
        let _: String = server.ask(redis::cmd("SET").arg(&wrong).arg("no number")).await;
        let refused = place.act(&store, user, place.add(1, 1)).await;
        assert!(matches!(refused, Err(StoreError::Engine(SqlError::Failed(_)))), "{refused:?}");
        assert_eq!(server.ask::<i64>(redis::cmd("EXISTS").arg(key(user, &format!("cart:{user}")))).await, 0, "{name}");
        let due: Option<f64> = server.ask(redis::cmd("ZSCORE").arg(key(user, "due")).arg(user.to_string())).await;
        assert_eq!(due, None, "{name}");
        let _: i64 = server.ask(redis::cmd("DEL").arg(wrong)).await;
        place.act(&store, user, place.add(1, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_cannot_write_is_unavailable_until_it_can() {
    let Some(place) = place().await else { return };
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let user = place.shopper(&store).await;
    let before = store.cart(user).await.unwrap();
    let asking = |command: &'static [&'static str]| async {
        let mut asked = redis::cmd(command[0]);
        let _: String = server.ask(asked.arg(&command[1..])).await;
    };
    let troubles: [[&[&str]; 2]; 3] = [
        [&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]],
        [&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]],
        [&["CONFIG", "SET", "min-replicas-to-write", "1"], &["CONFIG", "SET", "min-replicas-to-write", "0"]],
    ];
    for [begin, end] in troubles {
        asking(begin).await;
        let refused = place.act(&store, user, place.add(1, 1)).await;
        assert!(is_unavailable(&refused), "{begin:?}: {refused:?}");
        assert!(is_unavailable(&store.ping(place.now()).await), "{begin:?}");
        assert_eq!(store.cart(user).await.unwrap(), before, "{begin:?}");
        asking(end).await;
        assert_eq!(quantities(&place.act(&store, user, Act::Sweep).await.unwrap().cart), [(1, 1)]);
        store.ping(place.now()).await.unwrap();
    }
    assert!(place.act(&store, user, place.add(1, 1)).await.unwrap().is_applied);
}

#[tokio::test]
async fn a_password_that_changes_is_no_end() {
    let Some(place) = place().await else { return };
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let mut operator = server.connection().await;
    let mut ask = async |command: &[&str]| {
        let _: redis::Value = redis::cmd(command[0]).arg(&command[1..]).query_async(&mut operator).await.unwrap();
    };
    ask(&["CONFIG", "SET", "requirepass", "xyzzy"]).await;
    ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    eventually("it is told", || async {
        let answer = store.active_carts().await;
        assert!(is_unavailable(&answer), "{answer:?}");
        answer.unwrap_err().to_string().contains("NOAUTH")
    })
    .await;
    let wrong = place.url.replace("redis://", "redis://:plugh@");
    let refused = store::open(&wrong, Currency::EUR).await.err().unwrap();
    assert!(refused.may_pass() && !refused.to_string().contains("plugh"), "{refused}");
    let right = place.url.replace("redis://", "redis://:xyzzy@");
    store::open(&right, Currency::EUR).await.unwrap();
    ask(&["CONFIG", "SET", "requirepass", ""]).await;
    eventually("it goes on", || async { store.active_carts().await.is_ok() }).await;
}

#[tokio::test]
async fn carts_answer_503_while_redis_is_away_and_go_on_after() {
    let Some(mut place) = place().await else { return };
    let world = World::new().await;
    world.fake_peer("product", shop::quotes()).await;
    let config = CartConfig { store_url: place.url.clone(), ..CartConfig::default() };
    let service = souk_cart::build(config, &world.deps).await.unwrap();
    let client = world.serve(service).await.client.with_token(world.token(world.user(), Role::Guest));
    let add = || client.post("/cart", json!({"productId": 1, "quantity": 1}));
    add().await.expect(200);
    let metrics = client.get("/metrics").await.text;
    for series in
        ["redis_keyspace_hits_total{service=\"cart\"}", "db_client_connections{service=\"cart\",state=\"used\"} 1"]
    {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    place.server.as_mut().unwrap().stop();
    for _ in 0..3 {
        let away = add().await;
        away.is_problem(503, "store.unavailable");
        assert!(!away.header("retry-after").is_empty());
    }
    let ready = client.get("/health/ready").await.expect(503).text;
    assert!(ready.contains("the Redis at 127.0.0.1"), "{ready}");
    place.server.as_mut().unwrap().start_again().await;
    eventually("it is ready", || async { client.get("/health/ready").await.status == 200 }).await;
    let cart = add().await.expect(200).json;
    assert_eq!(cart["items"][0]["quantity"], 2, "what was answered was kept");
    // One that hangs is not waited for, and its connection is given up.
    place.server.as_ref().unwrap().hang();
    let before = place.clock.now();
    add().await.is_problem(503, "store.unavailable");
    assert!(place.clock.now().since(before) < Duration::from_secs(8));
    place.server.as_ref().unwrap().go_on();
    eventually("it goes on", || async { add().await.status == 200 }).await;
}

#[tokio::test]
async fn the_doctor_is_told_what_is_wrong() {
    let Some(place) = place().await else { return };
    let server = place.server.as_ref().unwrap();
    server.set("maxmemory-policy", "allkeys-lru").await;
    server.set("appendfsync", "everysec").await;
    let health = carts::health(&place.url).await.unwrap();
    assert!(health.server.starts_with("Redis ") || health.server.starts_with("Valkey "), "{health:?}");
    assert_eq!((health.appendfsync.as_deref(), health.maxmemory_policy.as_str()), (Some("everysec"), "allkeys-lru"));
    assert_eq!(health.advice.len(), 2, "{health:?}");
    server.set("maxmemory-policy", "noeviction").await;
    server.set("appendfsync", "always").await;
    assert!(carts::health(&place.url).await.unwrap().advice.is_empty());
    assert_eq!(server.ask::<i64>(&redis::cmd("DBSIZE")).await, 0, "looking writes nothing");
    server.set("appendonly", "no").await;
    assert!(carts::health(&place.url).await.unwrap().advice[0].contains("appendonly yes"));
    assert!(souk_cart::migrate(&place.url).await.unwrap().is_empty(), "Redis has no tables");
    assert!(souk_cart::pending_migrations(&place.url).await.unwrap().is_empty());
}

#[tokio::test]
async fn relays_of_long_ago_are_forgotten_unless_they_hold_something() {
    let Some(place) = place().await else { return };
    let users = write_events(&place, 1).await;
    let ((store, _), server) = (place.open().await, place.server.as_ref().unwrap());
    let (_, outbox) = carts::open(&place.url, Currency::EUR).await.unwrap();
    let claim = outbox.claim(10).await.unwrap();
    let (inbox, stream) = (key(users[0], "inbox"), key(users[0], "outbox"));
    let relays = || async {
        let mut asked = redis::cmd("XINFO");
        server.ask::<Vec<redis::Value>>(asked.arg("CONSUMERS").arg(&stream).arg("relay")).await.len()
    };
    // By the server's own clock: whoever was silent for a millisecond is gone.
    let forget = || async {
        let script = redis::Script::new(include_str!("../../src/store/redis/forget.lua"));
        let mut forget = script.key(&inbox);
        let forget = forget.key(&stream).arg(0).arg(9).arg("relay").arg(1);
        forget.invoke_async::<i64>(&mut server.connection().await).await.unwrap();
        relays().await
    };
    store.forget_old(place.now()).await.unwrap();
    assert_eq!(relays().await, 1, "one of today stays");
    for _ in 0..20 {
        assert_eq!(forget().await, 1, "one that holds something stays");
    }
    confirm_all(claim).await;
    eventually("it is forgotten", || async { forget().await == 0 }).await;
}
