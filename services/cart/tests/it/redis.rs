//! Tests of the Redis store only: expiry of its keys, its relays, and behaviour when the server is down, full, read-only
//! or its data is damaged. Each test has a server of its own.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use serde_json::json;
use souk_bus::Outbox;
use souk_cart::{
    Cart, CartConfig,
    cart::{CartCommand, OrderStage},
    store::{self, StoreError, redis as carts},
};
use souk_kit::{Service, auth::Role};
use souk_sql::SqlError;
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, Id, UserId};
use uuid::Uuid;

use crate::{
    fixture::{Fixture, HOUR, quantities},
    has_engines, shop,
};

const DAY_MS: i64 = 86_400_000;

/// Returns a store on a server of its own; `None` when tests of the engines do not run.
async fn fixture() -> Option<Fixture> {
    if has_engines() { Some(Fixture::own_redis().await) } else { None }
}

fn key(user: UserId, name: &str) -> String {
    format!("t:{{{}}}:{name}", user.get() % 64)
}

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Engine(SqlError::Unavailable(_))))
}

#[tokio::test]
async fn a_key_expires_a_day_after_its_last_item() {
    let Some(fixture) = fixture().await else { return };
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let user = fixture.shopper(&store).await;
    let left = || async { server.query::<i64>(redis::cmd("PTTL").arg(key(user, &format!("cart:{user}")))).await };
    let is_days = |left: i64, days: i64| (days * DAY_MS - 60_000..=days * DAY_MS).contains(&left);
    assert!(is_days(left().await, 2), "{}", left().await);
    let cart = store.cart(user).await.unwrap();
    let order = fixture.ids.next();
    fixture.execute(&store, user, fixture.follow(&cart, order, OrderStage::Placed)).await.unwrap();
    assert!(is_days(left().await, 8), "{}", left().await);
    fixture.execute(&store, user, fixture.follow(&cart, order, OrderStage::Paid)).await.unwrap();
    assert_eq!(left().await, -2, "the cart is empty");
    let bought = server.query::<i64>(redis::cmd("PTTL").arg(key(user, &format!("purchased:{user}")))).await;
    assert_eq!(bought, -1, "what was bought stays");
    fixture.execute(&store, user, fixture.follow(&cart, order, OrderStage::Cancelled)).await.unwrap();
    assert!(is_days(left().await, 2), "{}", left().await);
}

#[tokio::test]
async fn an_expired_key_leaves_no_trace_in_the_indexes() {
    let Some(fixture) = fixture().await else { return };
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let user = fixture.shopper(&store).await;
    assert_eq!(server.query::<i64>(redis::cmd("DEL").arg(key(user, &format!("cart:{user}")))).await, 1);
    let later = fixture.now().plus(30 * HOUR);
    assert_eq!(
        (store.count_active_carts().await.unwrap(), store.due_carts(later, 9).await.unwrap().users),
        (1, vec![user])
    );
    assert!(!store.execute(user, CartCommand::Expire, fixture.context(later)).await.unwrap().is_applied);
    assert_eq!(
        (store.count_active_carts().await.unwrap(), store.due_carts(later, 9).await.unwrap().users),
        (0, vec![])
    );
}

#[tokio::test]
async fn another_number_of_partitions_is_refused() {
    let Some(fixture) = fixture().await else { return };
    carts::open_with_partitions(&fixture.url, Currency::EUR, 32).await.unwrap();
    let refused =
        |error: String| assert!(error.contains("in 32 partitions") && error.contains("this build in 64"), "{error}");
    let opened = store::open(&fixture.url, Currency::EUR).await;
    refused(opened.err().unwrap().to_string());
    refused(souk_cart::audit::read(&fixture.url).await.unwrap_err().to_string());
    refused(carts::health(&fixture.url).await.unwrap_err().to_string());
    carts::open_with_partitions(&fixture.url, Currency::EUR, 32).await.unwrap();
    let other = fixture.server.as_ref().unwrap().url("other:");
    store::open(&other, Currency::EUR).await.unwrap();
    // An open store notices when another server takes over the address.
    let (running, _) = store::open(&other, Currency::EUR).await.unwrap();
    let server = fixture.server.as_ref().unwrap();
    let _: String = server.query(redis::cmd("SET").arg("other:partitions").arg(7)).await;
    let _: i64 =
        server.query(redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").arg("SKIPME").arg("yes")).await;
    let mut errors = Vec::new();
    for _ in 0..3 {
        errors.extend(running.count_active_carts().await.err().map(|error| error.to_string()));
    }
    assert!(errors.last().unwrap().contains("in 7 partitions"), "{errors:?}");
}

/// Writes `count` events, each of another user.
async fn write_events(fixture: &Fixture, count: usize) -> Vec<UserId> {
    let (store, _) = fixture.open().await;
    let users = join_all((0..count).map(|_| fixture.shopper(&store))).await;
    let expired = fixture.now().plus(25 * HOUR);
    join_all(users.iter().map(|user| store.execute(*user, CartCommand::Expire, fixture.context(expired)))).await;
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
    let Some(fixture) = fixture().await else { return };
    write_events(&fixture, 100).await;
    let mut claims = Vec::new();
    let mut seen = BTreeSet::new();
    let outboxes = join_all((0..3).map(|_| fixture.open())).await;
    for _ in 0..4 {
        let taken = join_all(outboxes.iter().flat_map(|(_, outbox)| [outbox.claim(9), outbox.claim(9)])).await;
        for claim in taken.into_iter().map(Result::unwrap) {
            assert!(ids(&*claim).into_iter().all(|id| seen.insert(id)), "an event is claimed once");
            claims.push(claim);
        }
    }
    assert_eq!(seen.len(), 100);
    // One relay gives back what it has, and is the only one to get it again.
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
async fn events_of_a_dead_relay_are_taken_over() {
    let Some(fixture) = fixture().await else { return };
    write_events(&fixture, 20).await;
    let (_, dead) = carts::open(&fixture.url, Currency::EUR).await.unwrap();
    let lost = dead.claim(100).await.unwrap();
    assert_eq!(lost.envelopes().len(), 20);
    // A relay that is killed gives nothing back.
    std::mem::forget(lost);
    let (_, heir) = carts::open(&fixture.url, Currency::EUR).await.unwrap();
    assert_eq!(heir.claim(100).await.unwrap().envelopes().len(), 0, "its lease has not expired");
    let heir = heir.with_lease(Duration::from_millis(20));
    let mut published = BTreeSet::new();
    for _ in 0..100 {
        published.extend(confirm_all(heir.claim(100).await.unwrap()).await);
        if published.len() == 20 {
            break;
        }
        // The lease expires by the server's own clock.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((published.len(), heir.backlog().await.unwrap().pending), (20, 0));
}

#[tokio::test]
async fn an_unreadable_event_does_not_stop_others() {
    let Some(fixture) = fixture().await else { return };
    let users = write_events(&fixture, 3).await;
    let server = fixture.server.as_ref().unwrap();
    let entry = ["*", "envelope", "{"];
    let _: String = server.query(redis::cmd("XADD").arg(key(users[0], "outbox")).arg(&entry)).await;
    let (_, outbox) = fixture.open().await;
    // Given back when the claim is dropped, as after a failure to bury it.
    drop(outbox.claim(100).await.unwrap());
    assert_eq!(souk_cart::audit::unpublished(&fixture.url, 10_000).await.unwrap().len(), 3);
    let mut claim = outbox.claim(100).await.unwrap();
    let unreadable = claim.unreadable();
    assert_eq!(unreadable.iter().map(|event| event.body.as_str()).collect::<Vec<_>>(), ["envelope {"]);
    assert!(unreadable[0].error.contains("of the outbox of partition"), "{unreadable:?}");
    claim.remove_unreadable().await.unwrap();
    assert_eq!(confirm_all(claim).await.len(), 3);
    assert_eq!(outbox.backlog().await.unwrap().pending, 0);
}

#[tokio::test]
async fn damaged_data_is_named_and_nothing_is_half_written() {
    let Some(fixture) = fixture().await else { return };
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let user = fixture.shopper(&store).await;
    let other = fixture.shopper(&store).await;
    let cart = key(user, &format!("cart:{user}"));
    let _: i64 = server.query(redis::cmd("HSET").arg(&cart).arg("contents").arg("[")).await;
    for error in
        [store.cart(user).await.unwrap_err(), fixture.execute(&store, user, CartCommand::Clear).await.unwrap_err()]
    {
        let error = error.to_string();
        assert!(error.contains(&format!("the cart of user {user} in Redis is damaged")), "{error}");
    }
    fixture.execute(&store, other, fixture.add(1, 1)).await.unwrap();
    assert!(souk_cart::audit::read(&fixture.url).await.is_err());
    // Keys of the wrong type that the script would write before and after the cart.
    for (name, user) in [("active", fixture.user()), ("outbox", fixture.user()), ("saves", fixture.user())] {
        let wrong = key(user, name);
        let _: String = server.query(redis::cmd("SET").arg(&wrong).arg("no number")).await;
        let refused = fixture.execute(&store, user, fixture.add(1, 1)).await;
        assert!(matches!(refused, Err(StoreError::Engine(SqlError::Failed(_)))), "{refused:?}");
        assert_eq!(
            server.query::<i64>(redis::cmd("EXISTS").arg(key(user, &format!("cart:{user}")))).await,
            0,
            "{name}"
        );
        let due: Option<f64> = server.query(redis::cmd("ZSCORE").arg(key(user, "due")).arg(user.to_string())).await;
        assert_eq!(due, None, "{name}");
        let _: i64 = server.query(redis::cmd("DEL").arg(wrong)).await;
        fixture.execute(&store, user, fixture.add(1, 1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_cannot_write_is_unavailable_until_it_can() {
    let Some(fixture) = fixture().await else { return };
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let user = fixture.shopper(&store).await;
    let before = store.cart(user).await.unwrap();
    let send = |command: &'static [&'static str]| async {
        let mut request = redis::cmd(command[0]);
        let _: String = server.query(request.arg(&command[1..])).await;
    };
    let troubles: [[&[&str]; 2]; 3] = [
        [&["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]],
        [&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]],
        [&["CONFIG", "SET", "min-replicas-to-write", "1"], &["CONFIG", "SET", "min-replicas-to-write", "0"]],
    ];
    for [begin, end] in troubles {
        send(begin).await;
        let refused = fixture.execute(&store, user, fixture.add(1, 1)).await;
        assert!(is_unavailable(&refused), "{begin:?}: {refused:?}");
        assert!(is_unavailable(&store.ping(fixture.now()).await), "{begin:?}");
        assert_eq!(store.cart(user).await.unwrap(), before, "{begin:?}");
        send(end).await;
        assert_eq!(quantities(&fixture.execute(&store, user, CartCommand::Expire).await.unwrap().cart), [(1, 1)]);
        store.ping(fixture.now()).await.unwrap();
    }
    assert!(fixture.execute(&store, user, fixture.add(1, 1)).await.unwrap().is_applied);
}

#[tokio::test]
async fn a_changed_password_is_transient() {
    let Some(fixture) = fixture().await else { return };
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let mut operator = server.connection().await;
    let mut send = async |command: &[&str]| {
        let _: redis::Value = redis::cmd(command[0]).arg(&command[1..]).query_async(&mut operator).await.unwrap();
    };
    send(&["CONFIG", "SET", "requirepass", "xyzzy"]).await;
    send(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
    eventually("the error names the cause", || async {
        let result = store.count_active_carts().await;
        assert!(is_unavailable(&result), "{result:?}");
        result.unwrap_err().to_string().contains("NOAUTH")
    })
    .await;
    let wrong = fixture.url.replace("redis://", "redis://:plugh@");
    let refused = store::open(&wrong, Currency::EUR).await.err().unwrap();
    assert!(refused.is_transient() && !refused.to_string().contains("plugh"), "{refused}");
    let right = fixture.url.replace("redis://", "redis://:xyzzy@");
    store::open(&right, Currency::EUR).await.unwrap();
    send(&["CONFIG", "SET", "requirepass", ""]).await;
    eventually("the store works again", || async { store.count_active_carts().await.is_ok() }).await;
}

#[tokio::test]
async fn requests_get_503_while_redis_is_down_and_succeed_after() {
    let Some(mut fixture) = fixture().await else { return };
    let world = World::new().await;
    world.fake_peer("product", shop::quotes()).await;
    let config = CartConfig { store_url: fixture.url.clone(), ..CartConfig::default() };
    let service = Cart::build(config, &world.deps).await.unwrap();
    let client = world.serve(service).await.client.with_token(world.token(world.user(), Role::Guest));
    let add = || client.post("/cart", json!({"productId": 1, "quantity": 1}));
    add().await.expect(200);
    let metrics = client.get("/metrics").await.text;
    for series in
        ["redis_keyspace_hits_total{service=\"cart\"}", "db_client_connections{service=\"cart\",state=\"used\"} 1"]
    {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    fixture.server.as_mut().unwrap().stop();
    for _ in 0..3 {
        let away = add().await;
        away.is_problem(503, "store.unavailable");
        assert!(!away.header("retry-after").is_empty());
    }
    let ready = client.get("/health/ready").await.expect(503).text;
    assert!(ready.contains("the Redis at 127.0.0.1"), "{ready}");
    fixture.server.as_mut().unwrap().start_again().await;
    eventually("the service is ready", || async { client.get("/health/ready").await.status == 200 }).await;
    let cart = add().await.expect(200).json;
    assert_eq!(cart["items"][0]["quantity"], 2, "acknowledged changes are durable");
    // A server that hangs is given up after the response timeout.
    fixture.server.as_ref().unwrap().hang();
    let before = fixture.clock.now();
    add().await.is_problem(503, "store.unavailable");
    assert!(fixture.clock.now().since(before) < Duration::from_secs(8));
    fixture.server.as_ref().unwrap().resume();
    eventually("requests succeed again", || async { add().await.status == 200 }).await;
}

#[tokio::test]
async fn health_advises_on_unsafe_settings() {
    let Some(fixture) = fixture().await else { return };
    let server = fixture.server.as_ref().unwrap();
    server.set("maxmemory-policy", "allkeys-lru").await;
    server.set("appendfsync", "everysec").await;
    let health = carts::health(&fixture.url).await.unwrap();
    assert!(health.server.starts_with("Redis ") || health.server.starts_with("Valkey "), "{health:?}");
    assert_eq!((health.appendfsync.as_deref(), health.maxmemory_policy.as_str()), (Some("everysec"), "allkeys-lru"));
    assert_eq!(health.advice.len(), 2, "{health:?}");
    server.set("maxmemory-policy", "noeviction").await;
    server.set("appendfsync", "always").await;
    assert!(carts::health(&fixture.url).await.unwrap().advice.is_empty());
    assert_eq!(server.query::<i64>(&redis::cmd("DBSIZE")).await, 0, "the check writes nothing");
    server.set("appendonly", "no").await;
    assert!(carts::health(&fixture.url).await.unwrap().advice[0].contains("appendonly yes"));
    assert!(Cart::migrate(&fixture.url).await.unwrap().is_empty(), "Redis has no tables");
    assert!(Cart::pending_migrations(&fixture.url).await.unwrap().is_empty());
}

#[tokio::test]
async fn idle_relays_are_removed_unless_they_hold_events() {
    let Some(fixture) = fixture().await else { return };
    let users = write_events(&fixture, 1).await;
    let (store, _) = fixture.open().await;
    let server = fixture.server.as_ref().unwrap();
    let (_, outbox) = carts::open(&fixture.url, Currency::EUR).await.unwrap();
    let claim = outbox.claim(10).await.unwrap();
    let inbox = key(users[0], "inbox");
    let stream = key(users[0], "outbox");
    let relays = || async {
        let mut request = redis::cmd("XINFO");
        server.query::<Vec<redis::Value>>(request.arg("CONSUMERS").arg(&stream).arg("relay")).await.len()
    };
    // Removes relays that are idle for more than a millisecond of the server's own clock.
    let purge = || async {
        let script = redis::Script::new(include_str!("../../src/store/redis/purge.lua"));
        let mut purge = script.key(&inbox);
        let purge = purge.key(&stream).arg(0).arg(9).arg("relay").arg(1);
        purge.invoke_async::<i64>(&mut server.connection().await).await.unwrap();
        relays().await
    };
    store.purge_inbox(fixture.now()).await.unwrap();
    assert_eq!(relays().await, 1, "a recent relay stays");
    for _ in 0..20 {
        assert_eq!(purge().await, 1, "a relay that holds an event stays");
    }
    confirm_all(claim).await;
    eventually("it is removed", || async { purge().await == 0 }).await;
}
