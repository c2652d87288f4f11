//! Events of orders that wait for one product are applied together, each as if it were alone.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, QueryResult, Statement};
use serde_json::json;
use souk_bus::{Consumer, Failure, Outcome};
use souk_events::{Envelope, StockRejected, StockReserved, queue};
use souk_kit::Service as _;
use souk_product::{Product, ReservationState};
use souk_testkit::{World, needs_engines, statements_seen};
use souk_values::{Clock, Id as _, ProductId, SystemClock, Timestamp};

use crate::shop::{Order, Shop, assert_balanced, configuration};

/// A clock that returns each time once. Rows of the same time were written by the same transaction.
#[derive(Debug)]
struct CountingClock(AtomicI64);

impl Clock for CountingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Starts a shop whose service has a [`CountingClock`].
async fn counting() -> Shop {
    let mut world = World::new().await;
    world.deps.clock = Arc::new(CountingClock(AtomicI64::new(SystemClock.now().millis())));
    Shop::open_with(world, |config| config).await
}

/// Delivers envelopes as the consumer does with those of one delivery, and returns their outcomes in the same order.
async fn deliver_all(consumer: &Consumer, envelopes: &[Envelope]) -> Vec<Result<Outcome, Failure>> {
    join_all(envelopes.iter().map(|envelope| consumer.handle(envelope.clone()))).await
}

fn orders(shop: &Shop, ids: std::ops::RangeInclusive<i64>, product: ProductId) -> Vec<Order> {
    ids.map(|id| shop.order(id, &[(product, 1)])).collect()
}

async fn store_of(shop: &Shop) -> DatabaseConnection {
    Database::connect(shop.world.store_url("product")).await.unwrap()
}

async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    db.query_all_raw(Statement::from_string(db.get_database_backend(), sql.to_owned())).await.unwrap()
}

/// Checks that each order got one answer, and as many got a unit as there were.
async fn assert_decided_once(shop: &Shop, held: usize, refused: usize) {
    shop.outbox_is_empty().await;
    let facts = shop.facts().await;
    assert_balanced(&facts);
    let count = |state| facts.reservations.iter().filter(|reservation| reservation.state == state).count();
    assert_eq!((count(ReservationState::Held), count(ReservationState::Refused)), (held, refused));
    let reserved = shop.world.waiting::<StockReserved>(&queue::ORDER_STOCK).await;
    let rejected = shop.world.waiting::<StockRejected>(&queue::ORDER_STOCK).await;
    assert_eq!((reserved.len(), rejected.len()), (held, refused));
    let answered: BTreeSet<_> =
        reserved.iter().map(|event| event.order_id).chain(rejected.iter().map(|event| event.order_id)).collect();
    assert_eq!(answered.len(), held + refused);
}

#[tokio::test]
async fn orders_for_one_product_share_transactions_and_each_is_decided_once() {
    let shop = counting().await;
    let kettle = shop.product("Kettle", 100, 20).await;
    let mut envelopes: Vec<_> =
        orders(&shop, 1..=100, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
    // Some arrive twice, within a batch and in different ones.
    envelopes.extend_from_within(60..80);
    envelopes.splice(10..10, envelopes[0..10].to_vec());
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    let applied = outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Applied)).count();
    let ignored = outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Ignored)).count();
    assert_eq!((applied, ignored), (100, 30), "{outcomes:?}");
    assert_eq!(shop.stock(kettle).await, 0);
    assert_decided_once(&shop, 20, 80).await;
    let db = store_of(&shop).await;
    let transactions = rows(&db, "SELECT DISTINCT created_at FROM reservation").await.len();
    assert!(transactions <= 4, "{transactions} transactions for 130 events");
}

/// A cancellation whose units the stock cannot take back.
async fn refused_cancellation(shop: &Shop) -> (Order, Envelope) {
    let full = shop.product("Full", 100, 10).await;
    let order = shop.order(1_000, &[(full, 4)]);
    shop.deliver(&order.created()).await;
    for (key, delta) in [("a", 500_000_000_000_i64), ("b", 499_999_999_994)] {
        let body = json!({"delta": delta, "reason": "Counted"});
        shop.admin.post_keyed(&format!("/products/{full}/stock"), key, body).await.expect(200);
    }
    let cancelled = shop.world.envelope(&order.cancelled());
    (order, cancelled)
}

#[tokio::test]
async fn an_event_that_is_refused_fails_alone() {
    let shop = Shop::open().await;
    let (held, cancelled) = refused_cancellation(&shop).await;
    let kettle = shop.product("Kettle", 100, 20).await;
    let mut envelopes: Vec<_> =
        orders(&shop, 1..=50, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
    envelopes.extend_from_within(0..10);
    envelopes.insert(30, cancelled);
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Err(Failure::Handling(error)) if number == 30 => assert!(error.contains("too high"), "{error}"),
            Ok(_) if number != 30 => {}
            other => panic!("event {number}: {other:?}"),
        }
    }
    let applied = outcomes.iter().filter(|outcome| **outcome == Ok(Outcome::Applied)).count();
    assert_eq!(applied, 50);
    assert_decided_once(&shop, 20 + 1, 30).await;
    let facts = shop.facts().await;
    let kept = facts.reservations.iter().find(|reservation| reservation.order_id == held.id()).unwrap();
    assert_eq!(kept.state, ReservationState::Held);
}

#[tokio::test]
async fn a_reservation_that_cannot_be_read_fails_alone() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 20).await;
    let damaged = shop.order(1_000, &[(kettle, 1)]);
    shop.deliver(&damaged.created()).await;
    let db = store_of(&shop).await;
    db.execute_unprepared("UPDATE reservation SET order_lines = '{'").await.unwrap();
    let mut envelopes: Vec<_> =
        orders(&shop, 1..=10, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
    envelopes.insert(3, shop.world.envelope(&damaged.paid()));
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    let failed: Vec<_> = (0..).zip(&outcomes).filter(|(_, outcome)| outcome.is_err()).collect();
    assert!(matches!(failed[..], [(3, Err(Failure::Handling(_)))]), "{failed:?}");
    assert_eq!(shop.stock(kettle).await, 9);
}

/// No message loses an attempt for an engine that cannot be used.
#[tokio::test]
async fn no_event_of_a_batch_is_at_fault_while_the_engine_cannot_be_used() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 3).await;
    let envelopes: Vec<_> =
        orders(&shop, 1..=5, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
    let db = store_of(&shop).await;
    db.execute_unprepared("ALTER TABLE reservation RENAME TO reservation_away").await.unwrap();
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(Failure::Unavailable(_)))), "{outcomes:?}");
    db.execute_unprepared("ALTER TABLE reservation_away RENAME TO reservation").await.unwrap();
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    assert_eq!(outcomes, vec![Ok(Outcome::Applied); 5]);
    assert_decided_once(&shop, 3, 2).await;
}

/// In each order of arrival, the units of a cancelled order are back in the end.
#[tokio::test]
async fn all_events_of_an_order_may_be_in_one_batch() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 30).await;
    let pot = shop.product("Pot", 100, 30).await;
    let mut envelopes = Vec::new();
    for id in 1..=20 {
        let order = shop.order(id, &[(kettle, 1), (pot, 1)]);
        let mut life = [
            shop.world.envelope(&order.created()),
            shop.world.envelope(&order.paid()),
            shop.world.envelope(&order.cancelled()),
            shop.world.envelope(&order.shipped()),
        ];
        life.rotate_left(usize::try_from(id).unwrap() % 4);
        if id > 10 {
            life.reverse();
        }
        envelopes.extend(life);
    }
    let outcomes = deliver_all(&shop.consumer, &envelopes).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert!(facts.reservations.iter().all(|reservation| !reservation.state.has_units()));
    assert_eq!((facts.reservations.len(), shop.stock(kettle).await, shop.stock(pot).await), (20, 30, 30));
}

#[tokio::test]
async fn orders_that_are_sold_together_count_each_pair_of_products() {
    let shop = counting().await;
    let kettle = shop.product("Kettle", 100, 50).await;
    let pot = shop.product("Pot", 100, 50).await;
    let pan = shop.product("Pan", 100, 50).await;
    let mut all: Vec<_> = (1..=10).map(|id| shop.order(id, &[(kettle, 1), (pot, 2)])).collect();
    all.extend((11..=13).map(|id| shop.order(id, &[(pan, 1), (kettle, 1)])));
    all.push(shop.order(14, &[(pan, 1), (pot, 1)]));
    for _ in 0..2 {
        // The second time they are duplicates.
        let paid: Vec<_> = all.iter().map(|order| shop.world.envelope(&order.paid())).collect();
        deliver_all(&shop.consumer, &paid).await;
    }
    let db = store_of(&shop).await;
    let counted = rows(&db, "SELECT product_id, other_id, orders FROM bought_together").await;
    let counted: BTreeSet<(i64, i64, i64)> = counted
        .iter()
        .map(|row| {
            let number = |column| row.try_get::<i64>("", column).unwrap();
            (number("product_id"), number("other_id"), number("orders"))
        })
        .collect();
    let pairs = [(kettle, pot, 10), (kettle, pan, 3), (pan, pot, 1)];
    let both_ways = pairs.iter().flat_map(|&(one, other, orders)| [(one, other, orders), (other, one, orders)]);
    assert_eq!(counted, both_ways.map(|(one, other, orders)| (one.get(), other.get(), orders)).collect());
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!(facts.products.iter().map(|product| product.sold).sum::<i64>(), 10 * 3 + 3 * 2 + 2);
    let transactions = rows(&db, "SELECT DISTINCT created_at FROM reservation").await.len();
    assert_eq!(transactions, 1);
}

/// A caller that goes away, before or after its transaction has begun, takes no other event with it.
#[tokio::test]
async fn a_caller_that_goes_away_stops_no_other_event() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 100).await;
    for polls in 1..=4 {
        let ids = polls * 10..=polls * 10 + 5;
        let envelopes: Vec<_> =
            orders(&shop, ids, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
        let mut first = Box::pin(shop.consumer.handle(envelopes[0].clone()));
        for _ in 0..polls {
            let _ = futures::poll!(&mut first);
            tokio::task::yield_now().await;
        }
        let (outcomes, ()) = tokio::join!(deliver_all(&shop.consumer, &envelopes[1..]), async { drop(first) });
        assert_eq!(outcomes, vec![Ok(Outcome::Applied); 5], "after {polls} polls");
        shop.consumer.handle(envelopes[0].clone()).await.unwrap();
    }
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!((facts.reservations.len(), shop.stock(kettle).await), (24, 76));
}

#[tokio::test]
async fn replicas_that_receive_the_same_events_decide_on_each_order_once() {
    if !needs_engines() {
        return;
    }
    let shop = Shop::open().await;
    let replica = Product::build(configuration(&shop.world), &shop.world.deps).await.unwrap();
    let kettle = shop.product("Kettle", 100, 40).await;
    let pot = shop.product("Pot", 100, 1_000).await;
    let envelopes: Vec<_> = (1..=120)
        .map(|id| {
            let lines = if id % 2 == 0 { [(kettle, 1), (pot, 1)] } else { [(pot, 1), (kettle, 1)] };
            shop.world.envelope(&shop.order(id, &lines).created())
        })
        .collect();
    let reversed: Vec<_> = envelopes.iter().rev().cloned().collect();
    let (here, there) =
        tokio::join!(deliver_all(&shop.consumer, &envelopes), deliver_all(&replica.consumers[0], &reversed));
    let applied = here.iter().chain(&there).filter(|outcome| **outcome == Ok(Outcome::Applied)).count();
    assert_eq!(applied, 120, "{here:?} {there:?}");
    assert_decided_once(&shop, 40, 80).await;
}

/// Time from publishing the orders of many buyers until all are decided: `SOUK_TEST_MODE=engines cargo test --workspace --test
/// it five_hundred -- --ignored --nocapture` on MariaDB.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures; docs/decisions/0025 has its figures"]
async fn five_hundred_buyers_of_one_product() {
    const BUYERS: i64 = 500;
    let shop = Shop::open().await;
    let db = store_of(&shop).await;
    for round in 0..5 {
        let kettle = shop.product("Kettle", 100, 100).await;
        let ids = round * BUYERS + 1..=(round + 1) * BUYERS;
        let envelopes: Vec<_> =
            orders(&shop, ids, kettle).iter().map(|order| shop.world.envelope(&order.created())).collect();
        let statements = statements_seen();
        let began = Instant::now();
        shop.world.deps.transport.publish(&envelopes).await.unwrap();
        loop {
            let row = rows(&db, "SELECT COUNT(*) AS n FROM reservation").await;
            if row[0].try_get::<i64>("", "n").unwrap() == (round + 1) * BUYERS {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let took = began.elapsed().as_millis();
        let statements = statements_seen() - statements;
        let first = round * BUYERS;
        let sql = format!("SELECT DISTINCT created_at FROM reservation WHERE order_id > {first}");
        let times = rows(&db, &sql).await.len();
        println!("{BUYERS} orders decided in {took} ms with {statements} statements, at {times} times");
        assert_eq!(shop.stock(kettle).await, 0);
    }
    assert_balanced(&shop.facts().await);
}
