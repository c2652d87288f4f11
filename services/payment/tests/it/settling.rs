//! Lost answers, crashes between claim and outcome, and a provider that is asked and never charged again.

use std::time::Duration;

use serde_json::json;
use souk_events::{PaymentSucceeded, queue};
use souk_payment::{
    account::{Account, Fresh, OrderNews, OrderState},
    payment::RequestKey,
    provider::{Charge, PaymentProvider, ProviderError, Return, sandbox::Sandbox},
    store::{self, Change, Saved},
};
use souk_testkit::{World, eventually};
use souk_values::{Clock, PaymentId, RefundId, Secret};

use crate::rig::{PRICE, Rig, card, config, euro, facts};

fn visa() -> Secret {
    Secret::new("tok_visa".to_owned())
}

async fn sandbox(world: &World) -> Sandbox {
    Sandbox::open(&world.store_url("sandbox"), Secret::default(), world.clock.clone()).await.unwrap()
}

#[tokio::test]
async fn a_lost_answer_stays_processing_and_is_settled_by_asking() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json;
    assert_eq!(open["status"], "processing");
    assert_eq!(rig.state(order.order_id).await, json!({"processing": true}));
    rig.pay(order.order_id, "other", "tok_visa").await.is_problem(409, "payment.in_progress");
    rig.world.clock.advance(Duration::from_secs(6));
    eventually("it is settled", || async { rig.payment(&open["paymentId"]).await["status"] == "succeeded" }).await;
    assert_eq!(rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json["status"], "succeeded");
    rig.pay(order.order_id, "other", "tok_visa").await.is_problem(409, "payment.already_paid");
    assert_eq!(rig.movements().await, (1, 0));
    let told: Vec<PaymentSucceeded> = rig.told(&queue::ORDER_PAYMENTS).await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn a_slow_capture_that_never_came_is_closed_and_then_failed() {
    // The time limit ends the call before its capture.
    let rig = Rig::with(|config| config.provider_time_limit_ms = 700).await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_slow").await.expect(201).json;
    assert_eq!(open["status"], "processing");
    rig.world.clock.advance(Duration::from_secs(6));
    eventually("it is settled", || async { rig.payment(&open["paymentId"]).await["status"] == "failed" }).await;
    assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "provider_unavailable");
    let provider = sandbox(&rig.world).await;
    let id: PaymentId = open["paymentId"].to_string().parse().unwrap();
    let late = provider.charge(id, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, Charge::Closed, "a charge that is still on its way is refused");
    assert_eq!(rig.pay(order.order_id, "k2", "tok_visa").await.expect(201).json["status"], "succeeded");
    assert_eq!(rig.movements().await, (1, 0));
}

/// A claim on disk, as a process that died before it had an answer leaves it.
pub async fn claim_and_die(world: &World, user: souk_values::UserId) -> PaymentId {
    let (clock, ids) = (world.clock.clone(), world.deps.ids.clone());
    let store = store::open(&config(world).store_url, clock, ids).await.unwrap().store;
    let now = world.clock.now();
    let order = OrderNews::new(&facts(world, user, 2), OrderState::Confirmed);
    let fresh = Fresh { refund_id: world.deps.ids.next(), now };
    let known = Account::learn(None, &order, fresh).unwrap();
    let payment_id = world.deps.ids.next();
    let key = RequestKey { key_hash: "key".to_owned(), body_hash: "body".to_owned() };
    let after = known.claim(payment_id, user, key, now).unwrap();
    let saved = store.save(Change { before: None, after, events: Vec::new(), cause: None, now }).await.unwrap();
    assert_eq!(saved, Saved::Done);
    payment_id
}

#[tokio::test]
async fn a_restart_settles_what_was_claimed() {
    let rig = Rig::new().await;
    let provider = sandbox(&rig.world).await;
    let never_sent = claim_and_die(&rig.world, rig.user).await;
    let captured = claim_and_die_with_another_key(&rig.world).await;
    provider.charge(captured, euro(PRICE), &visa()).await.unwrap();
    let rig = rig.restart().await;
    rig.world.clock.advance(Duration::from_secs(6));
    eventually("both are settled", || async {
        rig.payment(&json!(never_sent)).await["status"] == "failed"
            && rig.payment(&json!(captured)).await["status"] == "succeeded"
    })
    .await;
    assert_eq!(rig.movements().await, (1, 0));
}

async fn claim_and_die_with_another_key(world: &World) -> PaymentId {
    claim_and_die(world, world.user()).await
}

#[tokio::test]
async fn what_is_recent_is_left_to_whoever_is_at_it() {
    let rig = Rig::new().await;
    let open = claim_and_die(&rig.world, rig.user).await;
    let metrics = || async { rig.service.client.get("/metrics").await.text };
    eventually("it was counted", || async { metrics().await.contains("payments_processing{service=\"payment\"}") })
        .await;
    assert_eq!(rig.payment(&json!(open)).await["status"], "processing");
}

#[tokio::test]
async fn the_sandbox_does_each_key_once() {
    let world = World::new().await;
    let provider = sandbox(&world).await;
    let pay = |token: &str| Secret::new(token.to_owned());
    let id: PaymentId = world.deps.ids.next();
    assert_eq!(provider.lookup(id).await.unwrap(), Charge::Unknown);
    let first = provider.charge(id, euro(500), &visa()).await.unwrap();
    assert!(matches!(first, Charge::Captured { .. }));
    assert_eq!(provider.charge(id, euro(900), &pay("tok_declined")).await.unwrap(), first);
    assert_eq!(provider.close(id).await.unwrap(), first, "what is captured cannot be closed");
    let declined: PaymentId = world.deps.ids.next();
    provider.charge(declined, euro(500), &pay("tok_declined")).await.unwrap();
    assert!(matches!(provider.charge(declined, euro(500), &visa()).await.unwrap(), Charge::Declined(_)));
    let closed: PaymentId = world.deps.ids.next();
    assert_eq!(provider.close(closed).await.unwrap(), Charge::Closed);
    assert_eq!(provider.charge(closed, euro(500), &visa()).await.unwrap(), Charge::Closed);
    let down = provider.charge(world.deps.ids.next(), euro(500), &pay("tok_provider_down")).await;
    assert!(matches!(down, Err(ProviderError::Unsent(_))));

    let [one, two, three]: [RefundId; 3] = std::array::from_fn(|_| world.deps.ids.next());
    assert_eq!(provider.lookup_refund(one, id).await.unwrap(), Return::Unknown);
    let returned = provider.refund(one, id, euro(400)).await.unwrap();
    assert!(matches!(returned, Return::Done { .. }));
    assert_eq!(provider.refund(one, id, euro(400)).await.unwrap(), returned);
    assert_eq!(provider.refund(two, id, euro(101)).await.unwrap(), Return::Refused);
    assert_eq!(provider.refund(three, declined, euro(1)).await.unwrap(), Return::Refused);
    // Another process finds what this one wrote.
    assert_eq!(sandbox(&world).await.lookup(id).await.unwrap(), first);
}

#[tokio::test]
async fn an_open_breaker_fails_payments_without_a_call() {
    let rig = Rig::new().await;
    for number in 0..10 {
        let order = rig.confirmed();
        rig.pay(order.order_id, &format!("k{number}"), "tok_provider_down").await.expect(201);
    }
    let order = rig.confirmed();
    let failed = rig.pay(order.order_id, "last", "tok_visa").await.expect(201).json;
    assert_eq!(failed["failureCode"], "provider_unavailable");
    rig.world.clock.advance(Duration::from_secs(3));
    assert_eq!(rig.pay(order.order_id, "again", "tok_visa").await.expect(201).json["status"], "succeeded");
    assert_eq!(rig.movements().await, (1, 0));
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_the_payment() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let gone = tokio::spawn({
        let (client, order) = (rig.client(), order.order_id);
        async move { client.post_keyed("/payments", "k", card(order, "tok_slow")).await }
    });
    eventually("the payment is claimed", || async { rig.state(order.order_id).await["processing"] == true }).await;
    gone.abort();
    // Long enough for the service to see that the connection is gone.
    for _ in 0..40 {
        rig.state(order.order_id).await;
    }
    rig.world.clock.advance(Duration::from_secs(1));
    eventually("it is captured", || async { rig.state(order.order_id).await.get("captured").is_some() }).await;
    let store = store::open_to_read(&config(&rig.world).store_url).await.unwrap();
    eventually("it is told", || async { store.unpublished().await.unwrap().is_empty() }).await;
}
