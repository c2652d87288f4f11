//! Following orders, by the call or by events that arrive late, twice or out of order.

use serde_json::{Value, json};
use souk_bus::Outcome;
use souk_events::{CancelReason, CartCheckedOut, Envelope, OrderCancelled, OrderCreated, OrderPaid};
use souk_values::{Clock, OrderId};

use crate::shop::{Shop, row};

fn created(shop: &Shop, order: OrderId, lines: &Value) -> OrderCreated {
    OrderCreated { order: shop.order(order, 1, lines) }
}

fn paid(shop: &Shop, order: OrderId, lines: &Value) -> OrderPaid {
    OrderPaid { order: shop.order(order, 3, lines), paid_at: shop.world.clock.now() }
}

fn cancelled(shop: &Shop, order: OrderId, lines: &Value) -> OrderCancelled {
    let order = shop.order(order, 4, lines);
    OrderCancelled { order, reason: CancelReason::Customer, refused_lines: Vec::new() }
}

#[tokio::test]
async fn the_call_and_the_event_have_one_effect() {
    for call_first in [true, false] {
        let shop = Shop::open().await;
        shop.add(1, 2).await;
        let order = shop.world.deps.ids.next();
        let lines = shop.lines().await;
        let event = created(&shop, order, &lines);
        if call_first {
            shop.ordered(order, &lines).await;
        }
        shop.deliver(&event).await;
        shop.add(1, 1).await;
        shop.ordered(order, &lines).await;
        assert_eq!(shop.deliver(&event).await, Outcome::Ignored);
        assert_eq!(shop.items().await, [row(1, "active", 1), row(1, "ordered", 2)]);
        let checked_out = shop.published::<CartCheckedOut>().await;
        assert_eq!((checked_out.len(), checked_out[0].order_id, checked_out[0].lines[0].quantity), (1, order, 2));
    }
}

#[tokio::test]
async fn an_item_that_grew_is_split_and_one_that_shrank_is_not_stretched() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let cart = shop.add(2, 5).await.json;
    let lines = shop.lines().await;
    shop.add(1, 3).await;
    let second = format!("/cart/items/{}", cart["items"][1]["cartItemId"].as_str().unwrap());
    shop.me().patch(&second, json!({"quantity": 4})).await.expect(200);
    let order = shop.world.deps.ids.next();
    shop.deliver(&created(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 3), row(1, "ordered", 2), row(2, "ordered", 4)]);
    let active = shop.lines().await;
    assert_ne!(active[0]["cartItemId"], lines[0]["cartItemId"], "what stays is another item");
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 5), row(2, "active", 4)]);
}

#[tokio::test]
async fn only_the_lines_of_the_order_are_ordered() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    shop.add(2, 3).await;
    let second = json!([shop.lines().await[1]]);
    let order = shop.world.deps.ids.next();
    shop.ordered(order, &second).await;
    assert_eq!(shop.items().await, [row(1, "active", 2), row(2, "ordered", 3)]);
    // Once more, when the line of that id is no longer active: the other one is not taken in its place.
    let again = shop.world.deps.ids.next();
    shop.ordered(again, &second).await;
    assert_eq!(shop.items().await, [row(1, "active", 2), row(2, "ordered", 3)]);
}

#[tokio::test]
async fn putting_back_is_capped() {
    let shop = Shop::open().await;
    shop.add(1, 60).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    shop.ordered(order, &lines).await;
    shop.add(1, 60).await;
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 99)]);
}

#[tokio::test]
async fn bought_items_are_one_for_each_product() {
    let shop = Shop::open().await;
    let mut last = None;
    for quantity in [2, 3] {
        shop.add(1, quantity).await;
        let order = shop.world.deps.ids.next();
        let lines = shop.lines().await;
        shop.ordered(order, &lines).await;
        shop.deliver(&paid(&shop, order, &lines)).await;
        last = Some((order, lines));
    }
    assert_eq!(shop.items().await, [row(1, "purchased", 5)]);
    let item = format!("/cart/items/{}", shop.cart().await["items"][0]["cartItemId"].as_str().unwrap());
    shop.me().patch(&item, json!({"quantity": 1})).await.is_problem(409, "cart.item_purchased");
    let (order, lines) = last.unwrap();
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 3), row(1, "purchased", 2)], "a refunded order's part comes back");
    assert_eq!(shop.lines().await[0]["cartItemId"], lines[0]["cartItemId"], "as the item that it was");
    shop.me().delete(&item).await.expect(200);
    assert_eq!(shop.items().await, [row(1, "active", 3)]);
}

#[tokio::test]
async fn what_a_cancelled_order_gives_back_never_has_the_id_of_another_orders_line() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    // Both are bought, as one item of the first line, whose quantity is capped at that of the second order.
    for quantity in [60, 99] {
        shop.add(1, quantity).await;
        let order = shop.world.deps.ids.next();
        let lines = shop.lines().await;
        shop.ordered(order, &lines).await;
        shop.deliver(&paid(&shop, order, &lines)).await;
        orders.push((order, lines));
    }
    assert_eq!(shop.items().await, [row(1, "purchased", 99)]);
    let (order, lines) = orders.pop().unwrap();
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    // The first order still holds the id of its line: under it, order would refuse the units that came back.
    assert_eq!(shop.items().await, [row(1, "active", 99)]);
    assert_eq!(shop.lines().await[0]["cartItemId"], lines[0]["cartItemId"]);
}

#[tokio::test]
async fn a_payment_after_the_items_expired_creates_nothing() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    shop.ordered(order, &lines).await;
    shop.world.clock.advance(std::time::Duration::from_secs(8 * 86_400));
    shop.deliver(&paid(&shop, order, &lines)).await;
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, []);
}

#[tokio::test]
async fn what_was_never_in_the_cart_is_not_put_back() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let lines = json!([{"productId": 1, "quantity": 2}, {"productId": 2, "quantity": 1}]);
    let order = shop.world.deps.ids.next();
    assert_eq!(shop.deliver(&created(&shop, order, &lines)).await, Outcome::Ignored);
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    shop.deliver(&paid(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 2)]);
    assert_eq!(shop.published::<CartCheckedOut>().await, []);
}

/// All permutations of three deliveries.
const PERMUTATIONS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[tokio::test]
async fn shuffled_and_repeated_events_end_the_same() {
    for ends_cancelled in [true, false] {
        for permutation in PERMUTATIONS {
            let shop = Shop::open().await;
            shop.add(1, 2).await;
            shop.add(2, 1).await;
            let order = shop.world.deps.ids.next();
            let lines = shop.lines().await;
            let last = if ends_cancelled {
                shop.world.envelope(&cancelled(&shop, order, &lines))
            } else {
                shop.world.envelope(&created(&shop, order, &lines))
            };
            let envelopes: [Envelope; 3] = [
                shop.world.envelope(&created(&shop, order, &lines)),
                shop.world.envelope(&paid(&shop, order, &lines)),
                last,
            ];
            for which in permutation.into_iter().chain(permutation) {
                shop.handle(envelopes[which].clone()).await;
            }
            shop.ordered(order, &lines).await;
            for envelope in &envelopes {
                assert_eq!(shop.handle(envelope.clone()).await, Outcome::Ignored, "a repeated message is known");
            }
            let state = if ends_cancelled { "active" } else { "purchased" };
            assert_eq!(shop.items().await, [row(1, state, 2), row(2, state, 1)], "{permutation:?}");
            let checked_out = shop.published::<CartCheckedOut>().await.len();
            assert!(checked_out <= 1, "{permutation:?}");
            assert_eq!(checked_out, usize::from(!ends_cancelled || permutation[0] != 2), "{permutation:?}");
        }
    }
}

#[tokio::test]
async fn a_late_event_of_a_cancelled_order_takes_nothing() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    shop.deliver(&cancelled(&shop, order, &lines)).await;
    shop.deliver(&created(&shop, order, &lines)).await;
    shop.ordered(order, &lines).await;
    shop.deliver(&paid(&shop, order, &lines)).await;
    assert_eq!(shop.items().await, [row(1, "active", 2)]);
    assert_eq!(shop.published::<CartCheckedOut>().await, []);
}

#[tokio::test]
async fn the_call_and_the_event_have_one_effect_concurrently() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    let event = created(&shop, order, &lines);
    let calls = futures::future::join_all((0..4).map(|_| shop.ordered(order, &lines)));
    let events = futures::future::join_all((0..4).map(|_| shop.deliver(&event)));
    futures::join!(calls, events);
    assert_eq!(shop.items().await, [row(1, "ordered", 2)]);
    assert_eq!(shop.published::<CartCheckedOut>().await.len(), 1);
}
