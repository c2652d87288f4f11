//! Order events, reordered and repeated, leave the same copy of the order and move the same money.

use std::sync::Arc;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use souk_bus::Consumer;
use souk_events::{Envelope, OrderDelivered, OrderFacts, OrderPaid, OrderShipped};
use souk_kit::Service;
use souk_payment::{
    Payment,
    store::{self, PaymentStore},
};
use souk_testkit::{World, eventually};
use souk_values::Clock;

use crate::rig::{Rig, at, cancelled, cancelled_event, config, confirmed, created, facts};

async fn consumer(world: &World) -> (Consumer, Arc<dyn PaymentStore>) {
    let mut parts = Payment::build(config(world), &world.deps).await.unwrap();
    let store = store::open_to_read(&config(world).store_url).await.unwrap();
    (parts.consumers.remove(0), store)
}

fn life(world: &World, order: &OrderFacts) -> Vec<Envelope> {
    let now = world.clock.now();
    vec![
        created(world, order),
        confirmed(world, order),
        world.envelope(&OrderPaid { order: at(order, 3), paid_at: now }),
        world.envelope(&OrderShipped {
            order: at(order, 4),
            carrier: "post".into(),
            tracking_number: "1".into(),
            shipped_at: now,
        }),
        world.envelope(&OrderDelivered { order: at(order, 5), delivered_at: now }),
    ]
}

#[tokio::test]
async fn shuffled_and_repeated_events_leave_the_newest_copy() {
    let world = World::new().await;
    let (consumer, store) = consumer(&world).await;
    let mut rng = StdRng::seed_from_u64(7);
    for round in 0..40 {
        let order = facts(&world, world.user(), 2);
        let mut events = life(&world, &order);
        let is_cancelled = round % 2 == 0;
        if is_cancelled {
            events.push(cancelled(&world, &order, 6));
        }
        events.extend(events.clone());
        events.shuffle(&mut rng);
        for event in events {
            consumer.handle(event).await.unwrap();
        }
        let read = store.order_payments(order.order_id).await.unwrap().unwrap();
        assert_eq!(read.order.version, if is_cancelled { 6 } else { 5 });
        assert_eq!(read.order.is_cancelled(), is_cancelled);
        assert_eq!(read.order.is_payable(world.clock.now()), !is_cancelled);
    }
}

#[tokio::test]
async fn a_repeated_cancellation_returns_the_money_once() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", "tok_visa").await.expect(201).json;
    let (consumer, _) = consumer(&rig.world).await;
    let same = cancelled(&rig.world, &order, 3);
    // The same delivery twice, another event of the same version, and a later one.
    for event in [same.clone(), same, cancelled(&rig.world, &order, 3), cancelled(&rig.world, &order, 4)] {
        consumer.handle(event).await.unwrap();
    }
    for event in life(&rig.world, &order) {
        consumer.handle(event).await.unwrap();
    }
    eventually("it is returned", || async { rig.payment(&paid["paymentId"]).await["status"] == "refunded" }).await;
    assert_eq!(rig.movements().await, (1, 1));
}

#[tokio::test]
async fn a_cancellation_that_arrives_first_is_final() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    rig.world.publish(&cancelled_event(&order, 3)).await;
    let events = [created(&rig.world, &order), confirmed(&rig.world, &order)];
    rig.world.deps.transport.publish(&events).await.unwrap();
    let store = store::open_to_read(&config(&rig.world).store_url).await.unwrap();
    eventually("the order is stored", || async { store.order_payments(order.order_id).await.unwrap().is_some() }).await;
    // The older order that the order service returns does not reopen it.
    rig.pay(order.order_id, "k", "tok_visa").await.is_problem(409, "payment.order_not_payable");
}
