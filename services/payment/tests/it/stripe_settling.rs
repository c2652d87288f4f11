//! Stripe's lost answers and crashes between its steps: read, never charged again.

use std::time::Duration;

use serde_json::{Value, json};
use souk_payment::provider::{Charge, PaymentProvider};
use souk_testkit::eventually;
use souk_values::Clock;

use crate::{
    rig::{PRICE, Rig, euro},
    settling::claim_and_die,
    stripe::{VISA, pay, provider, shop, shop_with, store, visa},
    stripe_fake::{Fault, error},
};

/// Lets what is open grow old enough to be asked about, and waits until it is `status`.
async fn settles(rig: &Rig, payment: &Value, status: &str) {
    rig.world.clock.advance(Duration::from_secs(6));
    let is_settled = || async { rig.payment(payment).await.get("status").is_some_and(|now| now == status) };
    eventually("it is settled", is_settled).await;
}

#[tokio::test]
async fn a_lost_answer_to_the_confirmation_is_read_and_charged_once() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    assert_eq!(stripe.books().charges, 1);
    settles(&rig, &open["paymentId"], "succeeded").await;
    assert_eq!(stripe.books().charges, 1);
    assert_eq!(stripe.books().requests.iter().filter(|asked| asked.ends_with("/confirm")).count(), 1);
}

#[tokio::test]
async fn a_decline_whose_answer_is_lost_is_read() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/confirm", Fault::Lost);
    let open = pay(&rig, "pm_card_chargeDeclinedInsufficientFunds").await;
    assert_eq!(open["status"], "processing");
    settles(&rig, &open["paymentId"], "failed").await;
    assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "insufficient_funds");
}

#[tokio::test]
async fn a_confirmation_that_stripe_could_not_do_is_closed() {
    let (rig, stripe) = shop().await;
    for (status, kind, code) in [
        (500, "api_error", None),
        (429, "invalid_request_error", Some("lock_timeout")),
        (400, "idempotency_error", None),
    ] {
        stripe.next("/confirm", Fault::Answered(status, error(kind, code, None)));
        let order = rig.confirmed();
        let open = rig.pay(order.order_id, &status.to_string(), VISA).await.expect(201).json;
        assert_eq!(open["status"], "processing", "{status}");
        settles(&rig, &open["paymentId"], "failed").await;
        assert_eq!(rig.payment(&open["paymentId"]).await["failureCode"], "provider_unavailable");
        assert_eq!(stripe.intent(&open["paymentId"])["status"], "canceled");
    }
    assert_eq!(stripe.books().charges, 0);
}

#[tokio::test]
async fn an_intent_that_nobody_kept_is_never_confirmed() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_die(&rig.world, rig.user).await;
    stripe.make_intent(claimed, PRICE);
    settles(&rig, &json!(claimed), "failed").await;
    assert_eq!(stripe.books().requests.len(), 0, "nobody knows of it");
    // The charge was only slow, and goes on after all.
    let late = provider(&rig, &stripe).await.charge(claimed, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, Charge::Closed);
    let books = stripe.books();
    assert_eq!(books.charges, 0);
    assert_eq!(books.intents[1]["status"], "canceled", "it does not lie about as incomplete");
}

#[tokio::test]
async fn an_answer_to_the_making_that_is_lost_closes_the_payment() {
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 700).await;
    stripe.next("/payment_intents", Fault::Lost);
    let open = pay(&rig, VISA).await;
    assert_eq!(open["status"], "processing");
    settles(&rig, &open["paymentId"], "failed").await;
    assert_eq!(stripe.intent(&open["paymentId"])["status"], "requires_confirmation");
    assert_eq!(stripe.books().charges, 0);
}

#[tokio::test]
async fn an_intent_that_was_kept_and_not_confirmed_is_cancelled() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_die(&rig.world, rig.user).await;
    let intent = stripe.make_intent(claimed, PRICE);
    store(&rig.world).await.note_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    settles(&rig, &json!(claimed), "failed").await;
    assert_eq!(stripe.intent(&json!(claimed))["status"], "canceled");
    let late = provider(&rig, &stripe).await.charge(claimed, euro(PRICE), &visa()).await.unwrap();
    assert_eq!(late, Charge::Closed, "a charge that goes on finds another intent kept");
    assert_eq!(stripe.books().charges, 0);
}

#[tokio::test]
async fn a_confirmation_that_comes_before_the_cancellation_counts() {
    let (rig, stripe) = shop().await;
    let claimed = claim_and_die(&rig.world, rig.user).await;
    let intent = stripe.make_intent(claimed, PRICE);
    store(&rig.world).await.note_reference(claimed, &intent, rig.world.clock.now()).await.unwrap();
    let provider = provider(&rig, &stripe).await;
    assert_eq!(provider.lookup(claimed).await.unwrap(), Charge::Unknown);
    stripe.capture(&intent);
    stripe.next("GET /v1/payment_intents/pi_3Fake000001", Fault::Answered(200, unconfirmed(&intent)));
    let stands = provider.close(claimed).await.unwrap();
    assert!(matches!(stands, Charge::Captured { .. }), "{stands:?}");
}

/// The intent as it was read a moment too early.
fn unconfirmed(intent: &str) -> Value {
    json!({"id": intent, "object": "payment_intent", "created": 1, "status": "requires_confirmation"})
}

#[tokio::test]
async fn what_stripe_works_on_is_waited_for() {
    let (rig, stripe) = shop().await;
    let open = pay(&rig, "pm_card_slow").await;
    assert_eq!(open["status"], "processing");
    rig.world.clock.advance(Duration::from_secs(6));
    let looks = || stripe.books().requests.iter().filter(|asked| asked.starts_with("GET")).count();
    eventually("it is asked about", || async { looks() > 0 }).await;
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "processing");
    let intent = stripe.intent(&open["paymentId"]);
    stripe.capture(intent["id"].as_str().unwrap());
    settles(&rig, &open["paymentId"], "succeeded").await;
}
