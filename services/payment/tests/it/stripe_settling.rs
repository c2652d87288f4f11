//! Settling with Stripe after lost responses and crashes between the steps: intents are read, never charged again.

use serde_json::{Value, json};
use souk_payment::provider::{ChargeOutcome, PaymentProvider};
use souk_testkit::eventually;
use souk_values::Clock;

use crate::{
    rig::{PRICE, Rig, SETTLE, euro},
    settling::claim_and_crash,
    stripe::{VISA, account, pay, provider, shop, shop_with, store, visa},
    stripe_fake::{Fault, error},
};

/// Lets the payment grow old enough for settling, and waits until it is `status`.
async fn settles(rig: &Rig, payment: &Value, status: &str) {
    rig.world.clock.advance(SETTLE);
    let is_settled = || async { rig.payment(payment).await.get("status").is_some_and(|now| now == status) };
    eventually("it is settled", is_settled).await;
}

#[tokio::test]
async fn a_confirmation_with_a_lost_response_is_read_and_charged_once() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    assert_eq!(stripe.state().charges, 1);
    settles(&rig, &open["paymentId"], "succeeded").await;
    assert_eq!(stripe.state().charges, 1);
    assert_eq!(stripe.state().requests.iter().filter(|request| request.ends_with("/confirm")).count(), 1);
}

#[tokio::test]
async fn a_response_beyond_the_limit_counts_as_lost() {
    let (rig, stripe) = shop().await;
    stripe.next("/confirm", Fault::Padded(1_000_000));
    assert_eq!(pay(&rig, VISA).await["status"], "succeeded", "within the limit of 1 MiB");
    stripe.next("/confirm", Fault::Padded(1024 * 1024));
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "beyond", VISA).await.expect(201).json;
    assert_eq!(open["status"], "processing");
    settles(&rig, &open["paymentId"], "succeeded").await;
    assert_eq!(stripe.state().charges, 2);
}

#[tokio::test]
async fn a_decline_with_a_lost_response_is_read() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, "pm_card_chargeDeclinedInsufficientFunds").await;
    assert_eq!(open["status"], "processing");
    settles(&rig, &open["paymentId"], "failed").await;
    assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "insufficient_funds");
}

#[tokio::test]
async fn a_failed_confirmation_is_closed() {
    let (rig, stripe) = shop().await;
    for (status, kind, code) in [
        (500, "api_error", None),
        (429, "invalid_request_error", Some("lock_timeout")),
        (400, "idempotency_error", None),
    ] {
        stripe.next("/confirm", Fault::Response(status, error(kind, code, None)));
        let order = rig.confirmed();
        let open = rig.pay(order.order_id, &status.to_string(), VISA).await.expect(201).json;
        assert_eq!(open["status"], "processing", "{status}");
        settles(&rig, &open["paymentId"], "failed").await;
        assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "provider_unavailable");
        assert_eq!(stripe.intent(&open["paymentId"])["status"], "canceled");
    }
    assert_eq!(stripe.state().charges, 0);
}

#[tokio::test]
async fn an_intent_that_was_not_stored_is_never_confirmed() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_crash(&rig.world, rig.user, &account()).await;
    stripe.create_intent(claimed, PRICE);
    settles(&rig, &json!(claimed), "failed").await;
    assert_eq!(stripe.state().requests.len(), 0, "the shop does not know the intent");
    // The charge was only slow, and continues.
    let late = provider(&rig, &stripe).await.charge(claimed, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, ChargeOutcome::Closed);
    let state = stripe.state();
    assert_eq!(state.charges, 0);
    assert_eq!(state.intents[1]["status"], "canceled", "the intent does not stay incomplete");
}

#[tokio::test]
async fn a_creation_with_a_lost_response_closes_the_payment() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/payment_intents", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    settles(&rig, &open["paymentId"], "failed").await;
    assert_eq!(stripe.intent(&open["paymentId"])["status"], "requires_confirmation");
    assert_eq!(stripe.state().charges, 0);
}

#[tokio::test]
async fn a_stored_intent_that_was_not_confirmed_is_cancelled() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_crash(&rig.world, rig.user, &account()).await;
    let intent = stripe.create_intent(claimed, PRICE);
    store(&rig.world).await.record_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    settles(&rig, &json!(claimed), "failed").await;
    assert_eq!(stripe.intent(&json!(claimed))["status"], "canceled");
    let late = provider(&rig, &stripe).await.charge(claimed, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, ChargeOutcome::Closed, "a charge that continues finds another intent stored");
    assert_eq!(stripe.state().charges, 0);
}

#[tokio::test]
async fn a_confirmation_before_the_cancellation_counts() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_crash(&rig.world, rig.user, &account()).await;
    let intent = stripe.create_intent(claimed, PRICE);
    store(&rig.world).await.record_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    let provider = provider(&rig, &stripe).await;
    assert_eq!(provider.lookup(claimed).await.unwrap(), ChargeOutcome::Unknown);
    stripe.capture(&intent);
    stripe.next("GET /v1/payment_intents/pi_3Fake000001", Fault::Response(200, unconfirmed(&intent)));
    let outcome = provider.close(claimed).await.unwrap();
    assert!(matches!(outcome, ChargeOutcome::Captured { .. }), "{outcome:?}");
}

/// Returns the intent as it was before the capture.
fn unconfirmed(intent: &str) -> Value {
    json!({"id": intent, "object": "payment_intent", "created": 1, "status": "requires_confirmation"})
}

#[tokio::test]
async fn a_charge_that_stripe_still_processes_stays_open() {
    let (rig, stripe) = shop().await;
    let open = pay(&rig, "pm_card_slow").await;
    assert_eq!(open["status"], "processing");
    rig.world.clock.advance(SETTLE);
    let queries = || stripe.state().requests.iter().filter(|request| request.starts_with("GET")).count();
    eventually("the intent is queried", || async { queries() > 0 }).await;
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "processing");
    let intent = stripe.intent(&open["paymentId"]);
    stripe.capture(intent["id"].as_str().unwrap());
    settles(&rig, &open["paymentId"], "succeeded").await;
}
