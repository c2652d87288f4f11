//! A cart line makes one order, whatever the number of requests, until that order is cancelled.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use souk_events::{OrderCancelled, OrderCreated, queue};
use souk_testkit::{TestResponse, World, eventually};
use souk_values::{Id, OrderId};

use crate::rig::{Rig, address, cart_line, execute, order_body, rejected, reserved};

fn from_cart() -> Value {
    json!({"shippingAddress": address()})
}

impl Rig {
    /// Fills the fake cart, which forgets its lines when it is notified of an order.
    fn fill_cart(&self, lines: &[(&str, i64, u32)]) {
        let lines = lines.iter().map(|&(item, product, quantity)| cart_line(item, product, quantity));
        *self.shop.cart.lock().unwrap() = lines.collect();
    }

    async fn order_cart(&self, key: &str) -> TestResponse {
        self.client.post_keyed("/orders", key, from_cart()).await
    }

    async fn ordered_cart(&self, key: &str) -> OrderId {
        let order = self.order_cart(key).await.expect(201).json;
        OrderId::new(order["orderId"].as_i64().unwrap()).unwrap()
    }

    async fn until_notified(&self, times: usize) {
        eventually("cart is notified", || async { self.shop.cart_notices.lock().unwrap().len() >= times }).await;
    }

    async fn total(&self) -> i64 {
        self.client.get("/orders").await.expect(200).json["total"].as_i64().unwrap()
    }
}

#[tokio::test]
async fn of_two_tabs_that_order_one_cart_the_second_learns_the_first_order() {
    let rig = Rig::new().await;
    for round in 0..8 {
        let lines = [(format!("a{round}"), 1001), (format!("b{round}"), 1002)];
        let lines: Vec<(&str, i64, u32)> = lines.iter().map(|(item, product)| (item.as_str(), *product, 1)).collect();
        rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
        rig.fill_cart(&lines);
        let keys = [format!("{round}/one"), format!("{round}/two")];
        let (one, two) = futures::join!(rig.order_cart(&keys[0]), rig.order_cart(&keys[1]));
        let (first, second) = if one.status == 201 { (one, two) } else { (two, one) };
        let first = first.expect(201).json;
        second.is_problem(409, "order.cart_already_ordered");
        assert_eq!(second.json["orderId"], first["orderId"]);
        let detail = second.json["detail"].as_str().unwrap();
        assert!(detail.contains(&first["orderId"].to_string()), "{detail}");
        assert_eq!(rig.total().await, round + 1);
    }
    let events: Vec<OrderCreated> = rig.published(&queue::PRODUCT_ORDERS, 8).await;
    assert_eq!(events.len(), 8);
}

#[tokio::test]
async fn a_refused_second_order_stores_nothing_and_the_first_key_still_replays() {
    let rig = Rig::new().await;
    rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
    rig.fill_cart(&[("a", 1001, 1)]);
    let first = rig.ordered_cart("one").await;
    // One common line suffices.
    rig.fill_cart(&[("b", 1002, 1), ("a", 1001, 1)]);
    rig.order_cart("two").await.is_problem(409, "order.cart_already_ordered");
    assert_eq!(rig.ordered_cart("one").await, first);
    // Cart is notified again: the first notification may be lost.
    rig.until_notified(2).await;
    assert!(rig.shop.cart_notices.lock().unwrap().iter().all(|notice| notice.order_id == first));
    // The refused request took neither its key nor its other line.
    rig.fill_cart(&[("b", 1002, 1)]);
    assert_ne!(rig.ordered_cart("two").await, first);
    assert_eq!(rig.total().await, 2);
}

#[tokio::test]
async fn explicit_items_and_lines_of_other_users_are_not_concerned() {
    let rig = Rig::new().await;
    rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
    rig.fill_cart(&[("a", 1001, 1)]);
    rig.ordered_cart("cart").await;
    for key in ["one", "two"] {
        rig.client.post_keyed("/orders", key, order_body("prepaid")).await.expect(201);
    }
    let stranger = rig.started.client.with_token(rig.world.customer(rig.world.user()));
    stranger.post_keyed("/orders", "cart", from_cart()).await.expect(201);
    assert_eq!(rig.total().await, 3);
}

#[tokio::test]
async fn a_line_of_a_cancelled_order_can_be_ordered_again() {
    let rig = Rig::new().await;
    rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
    rig.fill_cart(&[("a", 1001, 1)]);
    let by_customer = rig.ordered_cart("one").await;
    rig.act(&rig.client, by_customer, "cancel").await.expect(200);
    let out_of_stock = rig.ordered_cart("two").await;
    rig.world.publish(&rejected(out_of_stock)).await;
    rig.until(out_of_stock, "cancelled").await;
    let third = rig.ordered_cart("three").await;
    rig.order_cart("four").await.is_problem(409, "order.cart_already_ordered");
    // A key replays its own order, cancelled or not.
    assert_eq!(rig.ordered_cart("one").await, by_customer);
    assert_ne!(third, out_of_stock);
    assert_eq!(rig.published::<OrderCancelled>(&queue::CART_ORDERS, 2).await.len(), 2);
}

#[tokio::test]
async fn a_line_is_free_again_once_its_order_ended_at_a_deadline() {
    let mut rig = Rig::new().await;
    rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
    rig.fill_cart(&[("a", 1001, 1)]);
    let undecided = rig.ordered_cart("one").await;
    rig.advance(840);
    rig.order_cart("two").await.is_problem(409, "order.cart_already_ordered");
    rig.advance(60);
    assert_eq!(rig.until(undecided, "cancelled").await["cancelReason"], "undecided");
    let unpaid = rig.ordered_cart("two").await;
    rig.world.publish(&reserved(unpaid)).await;
    rig.until(unpaid, "confirmed").await;
    rig.order_cart("three").await.is_problem(409, "order.cart_already_ordered");
    rig.advance(1_830);
    assert_eq!(rig.until(unpaid, "cancelled").await["cancelReason"], "unpaid");
    rig.ordered_cart("three").await;
}

#[tokio::test]
async fn what_stays_of_a_split_line_is_a_line_of_its_own() {
    let rig = Rig::new().await;
    rig.fill_cart(&[("a", 1001, 2)]);
    let first = rig.ordered_cart("one").await;
    rig.until_notified(1).await;
    // The line grew by 3 before cart learned of the order; cart gives the rest another id.
    rig.fill_cart(&[("rest of a", 1001, 3)]);
    let second = rig.ordered_cart("two").await;
    assert_ne!(first, second);
}

/// Takes the store back to the schema before cart lines and deadlines of new orders were stored.
async fn as_the_version_before_left_it(world: &World) {
    let statements = [
        "DROP TABLE ordered_cart_line",
        "ALTER TABLE shop_order DROP COLUMN lapse_queries",
        "UPDATE shop_order SET lapse_at = NULL",
        "DELETE FROM seaql_migrations WHERE version IN ('order_m0002_cart_lines', 'order_m0003_open_orders')",
    ];
    execute(world, &statements).await;
}

#[tokio::test]
async fn an_upgrade_keeps_the_lines_and_deadlines_of_open_orders() {
    let rig = Rig::new().await;
    rig.shop.cart_keeps_lines.store(true, Ordering::SeqCst);
    rig.fill_cart(&[("a", 1001, 1)]);
    let open = rig.ordered_cart("one").await;
    rig.fill_cart(&[("b", 1001, 1)]);
    let cancelled = rig.ordered_cart("two").await;
    rig.act(&rig.client, cancelled, "cancel").await.expect(200);
    let mut rig = rig.restarted(as_the_version_before_left_it).await;
    rig.order_cart("three").await.expect(201);
    rig.fill_cart(&[("a", 1001, 1)]);
    let refused = rig.order_cart("four").await;
    refused.is_problem(409, "order.cart_already_ordered");
    assert_eq!(refused.json["orderId"], open.get());
    assert_eq!(rig.order(open).await["status"], "created", "it still has some of its 15 minutes");
    rig.advance(901);
    assert_eq!(rig.until(open, "cancelled").await["cancelReason"], "undecided");
}
