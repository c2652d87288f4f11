//! Settling after lost responses and crashes: the provider is queried and never charged again.

use std::time::Duration;

use serde_json::json;
use souk_events::{PaymentSucceeded, queue};
use souk_payment::{
    order_payments::{KnownOrder, NextRefund, OrderPayments, OrderState},
    payment::RequestKey,
    provider::{ChargeOutcome, PaymentProvider, ProviderError, RefundCall, RefundOutcome, sandbox::Sandbox},
    provider_account::ProviderAccount,
    store::{self, Change, Saved},
};
use souk_testkit::{World, eventually};
use souk_values::{Clock, PaymentId, RefundId, Secret, UserId};

use crate::rig::{PRICE, Rig, SETTLE, card, config, euro, facts};

fn visa() -> Secret {
    Secret::new("tok_visa".to_owned())
}

pub async fn sandbox(world: &World) -> Sandbox {
    Sandbox::open(&world.store_url("sandbox"), Secret::default(), world.clock.clone()).await.unwrap()
}

#[tokio::test]
async fn a_payment_with_a_lost_response_stays_processing_and_is_settled() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json;
    assert_eq!(open["status"], "processing");
    assert_eq!(rig.state(order.order_id).await, json!({"processing": true}));
    rig.pay(order.order_id, "other", "tok_visa").await.is_problem(409, "payment.in_progress");
    rig.world.clock.advance(SETTLE);
    eventually("it is settled", || async { rig.payment(&open["paymentId"]).await["status"] == "succeeded" }).await;
    assert_eq!(rig.pay(order.order_id, "k", "tok_timeout").await.expect(201).json["status"], "succeeded");
    rig.pay(order.order_id, "other", "tok_visa").await.is_problem(409, "payment.already_paid");
    assert_eq!(rig.movements().await, (1, 0));
    let published: Vec<PaymentSucceeded> = rig.published(&queue::ORDER_PAYMENTS).await;
    assert_eq!(published.len(), 1);
}

#[tokio::test]
async fn a_charge_that_never_arrived_is_closed_and_fails() {
    // The time limit ends the call before the capture.
    let rig = Rig::with(|config| config.provider_time_limit_ms = 700).await;
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", "tok_slow").await.expect(201).json;
    assert_eq!(open["status"], "processing");
    rig.world.clock.advance(SETTLE);
    eventually("it is settled", || async { rig.payment(&open["paymentId"]).await["status"] == "failed" }).await;
    assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "provider_unavailable");
    let provider = sandbox(&rig.world).await;
    let id: PaymentId = open["paymentId"].to_string().parse().unwrap();
    let late = provider.charge(id, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, ChargeOutcome::Closed, "a charge that is still on its way is refused");
    assert_eq!(rig.pay(order.order_id, "k2", "tok_visa").await.expect(201).json["status"], "succeeded");
    assert_eq!(rig.movements().await, (1, 0));
}

/// Claims an order as a process does that is killed before the provider responds.
pub async fn claim_and_crash(world: &World, user: UserId, account: &ProviderAccount) -> PaymentId {
    let store = store::open(&config(world).store_url, world.clock.clone(), world.deps.ids.clone()).await.unwrap().store;
    let now = world.clock.now();
    let order = KnownOrder::new(&facts(world, user, 2), OrderState::Confirmed);
    let next_refund = NextRefund { refund_id: world.deps.ids.next(), now };
    let known = OrderPayments::apply_order(None, &order, next_refund).unwrap();
    let payment_id = world.deps.ids.next();
    let key = RequestKey { key_hash: "key".to_owned(), body_hash: "body".to_owned() };
    let after = known.claim(payment_id, user, key, account.clone(), now).unwrap();
    let saved = store.save(Change { before: None, after, events: Vec::new(), cause: None, now }).await.unwrap();
    assert_eq!(saved, Saved::Done);
    payment_id
}

#[tokio::test]
async fn a_restart_settles_claims() {
    let rig = Rig::new().await;
    let provider = sandbox(&rig.world).await;
    let never_sent = claim_and_crash(&rig.world, rig.user, &ProviderAccount::sandbox()).await;
    let captured = claim_and_crash_with_another_key(&rig.world).await;
    provider.charge(captured, euro(PRICE), &visa()).await.unwrap();
    let rig = rig.restart().await;
    rig.world.clock.advance(SETTLE);
    eventually("both are settled", || async {
        rig.payment(&json!(never_sent)).await["status"] == "failed"
            && rig.payment(&json!(captured)).await["status"] == "succeeded"
    })
    .await;
    assert_eq!(rig.movements().await, (1, 0));
}

async fn claim_and_crash_with_another_key(world: &World) -> PaymentId {
    claim_and_crash(world, world.user(), &ProviderAccount::sandbox()).await
}

#[tokio::test]
async fn a_recent_claim_is_left_to_its_request() {
    let rig = Rig::new().await;
    let open = claim_and_crash(&rig.world, rig.user, &ProviderAccount::sandbox()).await;
    let metrics = || async { rig.service.client.get("/metrics").await.text };
    eventually("the gauge is set", || async { metrics().await.contains("payments_processing{service=\"payment\"}") })
        .await;
    assert_eq!(rig.payment(&json!(open)).await["status"], "processing");
}

#[tokio::test]
async fn the_sandbox_applies_each_key_once() {
    let world = World::new().await;
    let provider = sandbox(&world).await;
    let pay = |token: &str| Secret::new(token.to_owned());
    let id: PaymentId = world.deps.ids.next();
    assert_eq!(provider.lookup(id).await.unwrap(), ChargeOutcome::Unknown);
    let first = provider.charge(id, euro(500), &visa()).await.unwrap();
    assert!(matches!(first, ChargeOutcome::Captured { .. }));
    assert_eq!(provider.charge(id, euro(900), &pay("tok_declined")).await.unwrap(), first);
    assert_eq!(provider.close(id).await.unwrap(), first, "what is captured cannot be closed");
    let declined: PaymentId = world.deps.ids.next();
    provider.charge(declined, euro(500), &pay("tok_declined")).await.unwrap();
    assert!(matches!(provider.charge(declined, euro(500), &visa()).await.unwrap(), ChargeOutcome::Declined(_)));
    let closed: PaymentId = world.deps.ids.next();
    assert_eq!(provider.close(closed).await.unwrap(), ChargeOutcome::Closed);
    assert_eq!(provider.charge(closed, euro(500), &visa()).await.unwrap(), ChargeOutcome::Closed);
    let down = provider.charge(world.deps.ids.next(), euro(500), &pay("tok_provider_down")).await;
    assert!(matches!(down, Err(ProviderError::Unsent(_))));

    let [one, two, three]: [RefundId; 3] = std::array::from_fn(|_| world.deps.ids.next());
    assert_eq!(provider.lookup_refund(one, id).await.unwrap(), RefundOutcome::Unknown);
    let refund = async |refund_id, payment_id, minor| {
        let call = RefundCall { refund_id, payment_id, amount: euro(minor), attempt: 1 };
        provider.refund(call).await.unwrap()
    };
    let returned = refund(one, id, 400).await;
    assert!(matches!(returned, RefundOutcome::Done { .. }));
    assert_eq!(refund(one, id, 400).await, returned);
    assert_eq!(refund(two, id, 101).await, RefundOutcome::Refused);
    assert_eq!(refund(three, declined, 1).await, RefundOutcome::Refused);
    // Another process reads the same ledger.
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
async fn a_disconnected_caller_does_not_stop_the_payment() {
    let rig = Rig::new().await;
    let order = rig.confirmed();
    let disconnected = tokio::spawn({
        let client = rig.client();
        let order = order.order_id;
        async move { client.post_keyed("/payments", "k", card(order, "tok_slow")).await }
    });
    eventually("the payment is claimed", || async { rig.state(order.order_id).await["processing"] == true }).await;
    disconnected.abort();
    // Gives the service time to notice the closed connection.
    for _ in 0..40 {
        rig.state(order.order_id).await;
    }
    rig.world.clock.advance(Duration::from_secs(1));
    eventually("it is captured", || async { rig.state(order.order_id).await.get("captured").is_some() }).await;
    let store = store::open_to_read(&config(&rig.world).store_url).await.unwrap();
    eventually("the event is published", || async { store.unpublished().await.unwrap().is_empty() }).await;
}
