//! Stock is reserved, sold and released as orders change.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Database, Statement};
use souk_bus::{Failure, Outcome};
use souk_events::{
    CancelReason, Envelope, OrderCancelled, OrderFacts, ProductChanged, StockRejected, StockReserved, queue,
};
use souk_product::ReservationState;
use souk_testkit::eventually;
use souk_values::{Clock, Id, ProductId};

use crate::shop::{Order, Shop, assert_balanced};

#[tokio::test]
async fn an_order_reserves_its_units_and_the_event_is_published() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let pot = shop.product("Pot", 100, 3).await;
    let order = shop.order(42, &[(pot, 1), (kettle, 4), (pot, 2)]);
    shop.world.publish(&order.created()).await;
    let reserved = shop.world.waiting::<StockReserved>(&queue::ORDER_STOCK).await;
    assert_eq!((reserved[0].order_id, reserved[0].order_version), (order.id(), 1));
    assert_eq!((shop.stock(kettle).await, shop.stock(pot).await), (6, 0));
    let facts = shop.facts().await;
    assert_balanced(&facts);
    let mut lines = vec![(kettle, 4), (pot, 3)];
    lines.sort_unstable();
    assert_eq!(facts.reservations[0].lines, lines);
    let series = "stock_reservations_total{service=\"product\",outcome=\"reserved\"}";
    eventually("it is counted", || async { shop.client.get("/metrics").await.text.contains(series) }).await;
}

#[tokio::test]
async fn all_lines_are_reserved_or_none_and_the_refused_ones_are_listed() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let pot = shop.product("Pot", 100, 3).await;
    let gone = shop.product("Gone", 100, 5).await;
    shop.holding(gone).await.delete(&format!("/products/{gone}")).await.expect(204);
    let unknown = ProductId::new(9).unwrap();
    let order = shop.order(1, &[(kettle, 4), (pot, 4), (gone, 1), (unknown, 2)]);
    assert_eq!(shop.deliver(&order.created()).await, Outcome::Applied);
    let rejected = shop.world.waiting::<StockRejected>(&queue::ORDER_STOCK).await;
    let mut lines: Vec<_> =
        rejected[0].refused_lines.iter().map(|line| (line.product_id, line.requested, line.available)).collect();
    lines.sort_unstable();
    let mut expected = vec![(pot, 4, 3), (gone, 1, 0), (unknown, 2, 0)];
    expected.sort_unstable();
    assert_eq!(lines, expected);
    assert_eq!((shop.stock(kettle).await, shop.stock(pot).await), (10, 3));
    // There are no units to release or sell.
    shop.deliver(&order.cancelled()).await;
    assert_eq!(shop.stock(kettle).await, 10);
    assert_eq!(shop.facts().await.reservations[0].state, ReservationState::Refused);
    assert_balanced(&shop.facts().await);
}

#[tokio::test]
async fn a_paid_or_shipped_order_is_sold_and_a_cancelled_one_is_released() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let (paid, shipped, held) =
        (shop.order(1, &[(kettle, 1)]), shop.order(2, &[(kettle, 2)]), shop.order(3, &[(kettle, 3)]));
    for order in [&paid, &shipped, &held] {
        shop.deliver(&order.created()).await;
    }
    shop.deliver(&paid.paid()).await;
    assert_eq!(shop.deliver(&paid.shipped()).await, Outcome::Ignored);
    shop.deliver(&shipped.shipped()).await;
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!((facts.products[0].reserved, facts.products[0].sold, facts.products[0].stock), (3, 3, 4));
    for order in [&paid, &held] {
        assert_eq!(shop.deliver(&order.cancelled()).await, Outcome::Applied);
        assert_eq!(shop.deliver(&order.cancelled()).await, Outcome::Ignored);
        assert_eq!(shop.deliver(&order.paid()).await, Outcome::Ignored);
    }
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!((facts.products[0].reserved, facts.products[0].sold, facts.products[0].stock), (0, 2, 8));
}

/// Units are never dropped: an order whose units the stock cannot take back keeps them until an admin has acted.
#[tokio::test]
async fn units_that_do_not_fit_into_the_stock_stay_with_their_order() {
    const MAX_STOCK: i64 = 1_000_000_000_000;
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let order = shop.order(1, &[(kettle, 4)]);
    shop.deliver(&order.created()).await;
    let path = format!("/products/{kettle}/stock");
    let correct = |key: &'static str, delta: i64| {
        shop.admin.post_keyed(&path, key, serde_json::json!({"delta": delta, "reason": "Counted"}))
    };
    for (key, delta) in [("a", MAX_STOCK / 2), ("b", MAX_STOCK / 2 - 6)] {
        correct(key, delta).await.expect(200);
    }
    let cancelled = shop.world.envelope(&order.cancelled());
    let refused = shop.consumer.handle(cancelled.clone()).await;
    assert!(matches!(&refused, Err(Failure::Handling(error)) if error.contains("too high")), "{refused:?}");
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!((facts.products[0].reserved, facts.products[0].stock), (4, MAX_STOCK));
    correct("c", -4).await.expect(200);
    // As when the dead letter is replayed.
    assert_eq!(shop.consumer.handle(cancelled).await, Ok(Outcome::Applied));
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!((facts.products[0].reserved, facts.products[0].stock), (0, MAX_STOCK));
}

#[tokio::test]
async fn units_of_an_undecided_order_come_back_whenever_its_events_arrive() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    for (id, is_reserved_first) in [(1, true), (2, false)] {
        let order = shop.order(id, &[(kettle, 4)]);
        let created = order.created();
        let undecided = OrderCancelled { reason: CancelReason::Undecided, ..order.cancelled() };
        if is_reserved_first {
            shop.deliver(&created).await;
            assert_eq!(shop.stock(kettle).await, 6);
        }
        assert_eq!(shop.deliver(&undecided).await, Outcome::Applied);
        assert_eq!(shop.deliver(&created).await, Outcome::Ignored);
        assert_eq!(shop.stock(kettle).await, 10);
        let facts = shop.facts().await;
        assert_balanced(&facts);
        assert!(facts.reservations.iter().all(|reservation| !reservation.state.has_units()));
    }
}

#[tokio::test]
async fn a_cancellation_that_arrives_first_reserves_and_publishes_nothing() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let order = shop.order(1, &[(kettle, 4)]);
    assert_eq!(shop.deliver(&order.cancelled()).await, Outcome::Applied);
    assert_eq!(shop.deliver(&order.created()).await, Outcome::Ignored);
    assert_eq!(shop.deliver(&order.paid()).await, Outcome::Ignored);
    assert_eq!(shop.stock(kettle).await, 10);
    let facts = shop.facts().await;
    assert_eq!(facts.reservations[0].state, ReservationState::CancelledBefore);
    assert!(facts.reservations[0].lines.is_empty());
    // The queue would hold an event of the first order too, had it published one.
    shop.deliver(&shop.order(2, &[(kettle, 1)]).created()).await;
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<StockReserved>(&queue::ORDER_STOCK).await;
    assert_eq!(published.iter().map(|event| event.order_id.get()).collect::<Vec<_>>(), [2]);
    assert!(shop.world.waiting::<StockRejected>(&queue::ORDER_STOCK).await.is_empty());
}

#[tokio::test]
async fn a_cancellation_older_than_the_sale_releases_nothing() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let order = shop.order(1, &[(kettle, 4)]);
    shop.deliver(&order.created()).await;
    // Version 3.
    shop.deliver(&order.paid()).await;
    for (version, outcome, stock) in [(2, Outcome::Ignored, 6), (3, Outcome::Applied, 10)] {
        let facts = OrderFacts { version, ..order.0.clone() };
        assert_eq!(shop.deliver(&OrderCancelled { order: facts, ..order.cancelled() }).await, outcome);
        assert_eq!(shop.stock(kettle).await, stock);
    }
    assert_balanced(&shop.facts().await);
}

/// The events of an order that is placed, paid and cancelled.
fn life_of(shop: &Shop, order: &Order) -> [Envelope; 3] {
    let world = &shop.world;
    [world.envelope(&order.created()), world.envelope(&order.paid()), world.envelope(&order.cancelled())]
}

#[tokio::test]
async fn a_reservation_and_the_inbox_record_each_event() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let order = shop.order(1, &[(kettle, 4)]);
    let envelopes = life_of(&shop, &order);
    let began = shop.world.clock.now().millis();
    for envelope in &envelopes {
        assert_eq!(shop.consumer.handle(envelope.clone()).await.unwrap(), Outcome::Applied);
        shop.world.clock.advance(std::time::Duration::from_secs(60));
    }
    let db = Database::connect(shop.world.store_url("product")).await.unwrap();
    let read = async |sql: &str| {
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql.to_owned())).await.unwrap()
    };
    let rows = read("SELECT event_id FROM inbox_event WHERE queue = 'product.orders' ORDER BY received_at").await;
    let recorded: Vec<String> = rows.iter().map(|row| row.try_get("", "event_id").unwrap()).collect();
    assert_eq!(recorded, envelopes.map(|envelope| envelope.id.to_string()));
    let rows = read("SELECT created_at, updated_at FROM reservation").await;
    let time = |column: &str| rows[0].try_get::<i64>("", column).unwrap() - began;
    assert!((0..60_000).contains(&time("created_at")), "{}", time("created_at"));
    assert!((120_000..180_000).contains(&time("updated_at")), "{}", time("updated_at"));
}

#[tokio::test]
async fn each_published_change_has_a_revision_of_its_own_after_a_release_too() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let (first, second) = (shop.order(1, &[(kettle, 6)]), shop.order(2, &[(kettle, 7)]));
    shop.deliver(&first.created()).await;
    shop.deliver(&first.cancelled()).await;
    shop.deliver(&second.created()).await;
    shop.outbox_is_empty().await;
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await;
    let published: Vec<_> = published.iter().map(|event| (event.revision, event.stock)).collect();
    assert_eq!(published, [(1, 10), (2, 4), (3, 10), (4, 3)]);
}

#[tokio::test]
async fn a_repeated_envelope_changes_nothing() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let order = shop.order(1, &[(kettle, 4)]);
    let envelopes = life_of(&shop, &order);
    for (envelope, stock) in envelopes.iter().zip([6, 6, 10]) {
        assert_eq!(shop.consumer.handle(envelope.clone()).await.unwrap(), Outcome::Applied);
        for earlier in &envelopes {
            if earlier.aggregateversion <= envelope.aggregateversion {
                assert_eq!(shop.consumer.handle(earlier.clone()).await.unwrap(), Outcome::Ignored);
            }
        }
        assert_eq!(shop.stock(kettle).await, stock);
    }
    assert_balanced(&shop.facts().await);
}

#[tokio::test]
async fn two_hundred_orders_for_the_last_twenty_units() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 20).await;
    let envelopes: Vec<_> =
        (1..=200).map(|id| shop.world.envelope(&shop.order(id, &[(kettle, 1)]).created())).collect();
    shop.world.deps.transport.publish(&envelopes).await.unwrap();
    eventually("all have a reservation", || async { shop.facts().await.reservations.len() == 200 }).await;
    shop.outbox_is_empty().await;
    let facts = shop.facts().await;
    assert_balanced(&facts);
    let held = facts.reservations.iter().filter(|reservation| reservation.state == ReservationState::Held).count();
    assert_eq!((held, facts.products[0].stock, facts.products[0].reserved), (20, 0, 20));
    let reserved = shop.world.waiting::<StockReserved>(&queue::ORDER_STOCK).await;
    let rejected = shop.world.waiting::<StockRejected>(&queue::ORDER_STOCK).await;
    assert_eq!((reserved.len(), rejected.len()), (20, 180));
    let orders: BTreeSet<_> = reserved.iter().map(|event| event.order_id).collect();
    assert_eq!(orders.len(), 20);
    // Above the threshold no change was published; below it each one was, with a revision of its own.
    let published = shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await;
    let published: Vec<_> = published.iter().map(|event| (event.revision, event.stock)).collect();
    assert_eq!(published, [(1, 20), (2, 5), (3, 4), (4, 3), (5, 2), (6, 1), (7, 0)]);
}

#[tokio::test]
async fn concurrent_orders_for_the_same_products_neither_oversell_nor_deadlock() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 30).await;
    let pot = shop.product("Pot", 100, 30).await;
    let deliver = |id: i64| {
        let lines = if id % 2 == 0 { [(kettle, 1), (pot, 2)] } else { [(pot, 1), (kettle, 2)] };
        let order = shop.order(id, &lines);
        let shop = &shop;
        async move {
            shop.deliver(&order.created()).await;
            if id % 3 == 0 {
                shop.deliver(&order.cancelled()).await;
            } else {
                shop.deliver(&order.paid()).await;
            }
        }
    };
    futures::future::join_all((1..=60).map(deliver)).await;
    let facts = shop.facts().await;
    assert_balanced(&facts);
    assert_eq!(facts.reservations.len(), 60);
}

#[tokio::test]
async fn a_damaged_event_is_refused_without_effect() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 10).await;
    let mut envelope = shop.world.envelope(&shop.order(1, &[(kettle, 4)]).created());
    let mut data: serde_json::Value = envelope.data.read().unwrap();
    data["order"]["items"][0]["quantity"] = serde_json::json!(-4);
    envelope.data = souk_events::Payload::of(&data).unwrap();
    assert!(shop.consumer.handle(envelope).await.is_err());
    assert_eq!(shop.stock(kettle).await, 10);
}
