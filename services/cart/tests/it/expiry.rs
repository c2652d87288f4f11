//! Lifetimes of items: 24 hours, 7 days, for ever; expiries and reminders are published once.

use std::time::Duration;

use souk_cart::{
    cart::{CartCommand, Lifetimes},
    store::{self, CommandContext},
};
use souk_events::{CartAbandoned, CartExpired, OrderCancelled, OrderPaid};
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, OrderId, ProductId, Timestamp, UserId};
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, build, row};

const HOUR: Duration = Duration::from_secs(3_600);

fn hours(hours: u32) -> Duration {
    HOUR * hours
}

fn expiry(cart: &serde_json::Value, index: usize) -> souk_values::Timestamp {
    serde_json::from_value(cart["items"][index]["expiryTime"].clone()).unwrap()
}

#[tokio::test]
async fn items_live_a_day_then_a_week_then_for_ever() {
    let shop = Shop::open().await;
    let clock = &shop.world.clock;
    let before = clock.now();
    let cart = shop.add(1, 1).await.json;
    let left = expiry(&cart, 0).since(before);
    assert!(left >= hours(24) && left < hours(24) + Duration::from_secs(60), "{left:?}");
    clock.advance(hours(23));
    shop.add(1, 1).await;
    clock.advance(hours(23));
    assert_eq!(shop.items().await, [row(1, "active", 2)], "a change restarts the 24 hours");
    let order: OrderId = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    let before = clock.now();
    shop.ordered(order, &lines).await;
    let left = expiry(&shop.cart().await, 0).since(before);
    assert!(left >= hours(168) && left < hours(168) + Duration::from_secs(60), "{left:?}");
    clock.advance(hours(167));
    assert_eq!(shop.items().await, [row(1, "ordered", 2)]);
    let order = shop.order(order, 3, &lines);
    shop.deliver(&OrderPaid { order, paid_at: clock.now() }).await;
    clock.advance(hours(10_000));
    let cart = shop.cart().await;
    assert_eq!(
        (cart["items"][0]["state"].as_str(), &cart["items"][0]["expiryTime"]),
        (Some("purchased"), &serde_json::Value::Null)
    );
    let bought_at: Timestamp = serde_json::from_value(cart["items"][0]["purchasedAt"].clone()).unwrap();
    assert!(clock.now().since(bought_at) >= hours(10_000));
    assert_eq!(shop.published::<CartExpired>().await, []);
}

#[tokio::test]
async fn an_ordered_item_without_further_events_is_gone_after_a_week() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    shop.ordered(order, &lines).await;
    shop.world.clock.advance(hours(167));
    assert_eq!(shop.items().await, [row(1, "ordered", 2)]);
    shop.world.clock.advance(hours(2));
    assert_eq!(shop.items().await, []);
    eventually("the expiry is published", || async { shop.published::<CartExpired>().await.len() == 1 }).await;
}

#[tokio::test]
async fn a_cancelled_order_gives_a_new_day() {
    let shop = Shop::open().await;
    shop.add(1, 1).await;
    let order = shop.world.deps.ids.next();
    let lines = shop.lines().await;
    shop.ordered(order, &lines).await;
    shop.world.clock.advance(hours(100));
    let event = OrderCancelled {
        order: shop.order(order, 2, &lines),
        reason: souk_events::CancelReason::Customer,
        refused_lines: Vec::new(),
    };
    let before = shop.world.clock.now();
    shop.deliver(&event).await;
    assert_eq!(shop.items().await, [row(1, "active", 1)]);
    let left = expiry(&shop.cart().await, 0).since(before);
    assert!(left >= hours(24) && left < hours(24) + Duration::from_secs(60), "{left:?}");
}

#[tokio::test]
async fn expired_items_are_gone_immediately_and_published_once() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    shop.world.clock.advance(hours(12));
    shop.add(2, 1).await;
    shop.world.clock.advance(hours(12));
    assert_eq!(shop.items().await, [row(2, "active", 1)], "a reader does not wait for the background task");
    eventually("the expiry is published", || async { shop.published::<CartExpired>().await.len() == 1 }).await;
    let expired = shop.published::<CartExpired>().await;
    assert_eq!((expired[0].user_id, expired[0].lines.len(), expired[0].lines[0].quantity), (shop.user, 1, 2));
    shop.world.clock.advance(hours(12));
    eventually("the second expiry is published", || async { shop.published::<CartExpired>().await.len() == 2 }).await;
    assert_eq!(shop.items().await, []);
    assert_eq!(souk_cart::audit::read(&shop.world.store_url("cart")).await.unwrap().carts, 0);
}

#[tokio::test]
async fn a_reminder_comes_two_hours_before_once_for_the_same_items() {
    let shop = Shop::open().await;
    shop.add(1, 2).await;
    shop.world.clock.advance(hours(21));
    let reminders = || shop.published::<CartAbandoned>();
    assert_eq!(reminders().await, []);
    shop.world.clock.advance(hours(1));
    eventually("a reminder", || async { reminders().await.len() == 1 }).await;
    assert_eq!(reminders().await[0].lines[0].quantity, 2);
    // The same item with a new expiry causes no second reminder; a second item does.
    shop.add(1, 1).await;
    shop.world.clock.advance(hours(23));
    shop.add(2, 1).await;
    eventually("a reminder of two items", || async { reminders().await.len() == 2 }).await;
    assert_eq!(reminders().await[1].lines.len(), 2);
    shop.world.clock.advance(hours(2));
    eventually("one expired", || async { shop.published::<CartExpired>().await.len() == 1 }).await;
    assert_eq!(reminders().await.len(), 2);
}

#[tokio::test]
async fn two_replicas_on_one_store_publish_each_expiry_once() {
    let world = World::new().await;
    let stop = CancellationToken::new();
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let service = build(&world).await;
        tasks.extend(service.tasks.into_iter().map(|task| tokio::spawn(task.run(stop.clone()))));
    }
    let (store, outbox) = store::open(&world.store_url("cart"), Currency::EUR).await.unwrap();
    let lifetimes = Lifetimes { active: hours(24), ordered: hours(168), remind_before: hours(2) };
    let users: Vec<UserId> = world.deps.ids.next_many(300);
    for user in &users {
        let item = souk_cart::cart::NewItem {
            cart_item_id: world.deps.ids.uuid().to_string(),
            product_id: world.deps.ids.next::<ProductId>(),
            name: "A product".to_owned(),
            price: crate::fixture::euros(100),
            quantity: 1,
        };
        let stamper = world.deps.stamper();
        let context = CommandContext { now: world.clock.now(), lifetimes, stamper, cause: None };
        store.execute(*user, CartCommand::Add { item, key: None }, context).await.unwrap();
    }
    assert_eq!(store.count_active_carts().await.unwrap(), 300);
    world.clock.advance(hours(23));
    let count = |of: &'static str| {
        let outbox = &outbox;
        async move {
            let envelopes = outbox.unpublished(10_000).await.unwrap();
            envelopes.into_iter().filter(|envelope| envelope.event_type == of).count()
        }
    };
    eventually("all are reminded", || async { count("cart.abandoned.v1").await == 300 }).await;
    world.clock.advance(hours(2));
    eventually("all are gone", || async { store.count_active_carts().await.unwrap() == 0 }).await;
    stop.cancel();
    futures::future::join_all(tasks).await;
    assert_eq!((count("cart.expired.v1").await, count("cart.abandoned.v1").await), (300, 300));
}
