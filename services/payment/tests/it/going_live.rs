//! Going live and back: the provider of new payments changes, and each payment stays with the one that took it.
#![expect(clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use souk_events::OrderFacts;
use souk_kit::{Service, StartError};
use souk_payment::{
    Payment, PaymentConfig, ProviderName, audit,
    audit::{PaymentAudit, ProviderList},
    payment::{RefundRequest, RequestKey, Status},
    provider::PaymentProvider,
    store::Change,
};
use souk_testkit::eventually;
use souk_values::{Clock, PaymentId, Secret, Timestamp};

use crate::{
    rig::{PRICE, Rig, SETTLE, cancelled_event, config, euro},
    settling::sandbox,
    stripe::{VISA, id, store, use_stripe},
    stripe_captures,
    stripe_fake::{FakeStripe, Fault},
};

/// One payment in each state that needs its provider again.
struct Open {
    captured: Value,
    /// Captured; the response was lost.
    processing: (OrderFacts, Value),
    /// Captured, with a refund that is due and was not sent.
    refund_due: Value,
    /// Captured, for an order that is cancelled after the change.
    cancelled_later: (OrderFacts, Value),
}

/// Makes the payments with a token that pays and one whose response is lost.
async fn payments(rig: &Rig, pays: &str, loses: &str) -> Open {
    let pay = async |token: &str| {
        let order = rig.confirmed();
        let payment = rig.pay(order.order_id, &order.order_id.to_string(), token).await.expect(201).json;
        (order, payment["paymentId"].clone())
    };
    let processing = pay(loses).await;
    let (_, captured) = pay(pays).await;
    let (order, refund_due) = pay(pays).await;
    crash_before_the_refund(rig, &order, &refund_due).await;
    Open { captured, processing, refund_due, cancelled_later: pay(pays).await }
}

/// Saves a refund as a process does that is killed before it sends it.
async fn crash_before_the_refund(rig: &Rig, order: &OrderFacts, payment: &Value) {
    let store = store(&rig.world).await;
    let before = store.order_payments(order.order_id).await.unwrap().unwrap();
    let key = RequestKey { key_hash: format!("refund of {payment}"), body_hash: "body".to_owned() };
    let request = RefundRequest { admin: rig.world.user(), key };
    let now = rig.world.clock.now();
    let next_refund = souk_payment::order_payments::NextRefund { refund_id: rig.world.deps.ids.next(), now };
    let payment: PaymentId = payment.to_string().parse().unwrap();
    let after = before.clone().request_refund(payment, None, request, next_refund).unwrap();
    store.save(Change { before: Some(before), after, events: Vec::new(), cause: None, now }).await.unwrap();
}

/// Settles and refunds the payments, at whichever provider they were taken.
async fn finish(rig: &Rig, open: &Open) {
    let Open { captured, processing, refund_due, cancelled_later } = open;
    let again = rig.pay(processing.0.order_id, "again", VISA).await;
    assert!(again.status == 409 || again.status == 422, "an open payment is not charged twice: {}", again.text);
    rig.refund(captured, &format!("r{captured}"), Some(500)).await.expect(200);
    assert_eq!(rig.payment(captured).await["refundedAmount"]["amount"], 500);
    rig.world.publish(&cancelled_event(&cancelled_later.0, 4)).await;
    rig.world.clock.advance(SETTLE);
    eventually("all is settled", || async {
        rig.payment(&processing.1).await["status"] == "succeeded"
            && rig.payment(refund_due).await["status"] == "refunded"
            && rig.payment(&cancelled_later.1).await["status"] == "refunded"
    })
    .await;
}

fn both(config: &mut PaymentConfig, stripe: &FakeStripe, current: ProviderName) {
    let ledger_url = config.sandbox_ledger_url.clone();
    use_stripe(config, &stripe.base_url);
    config.sandbox_ledger_url = ledger_url;
    config.provider = current;
}

async fn refusal(rig: &Rig, change: impl FnOnce(&mut PaymentConfig)) -> String {
    let mut config = config(&rig.world);
    change(&mut config);
    match Payment::build(config, &rig.world.deps).await {
        Err(StartError::Other(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_payment_stays_with_the_provider_that_took_it() {
    let stripe = FakeStripe::start().await;
    let rig = Rig::new().await;
    let at_sandbox = payments(&rig, "tok_visa", "tok_timeout").await;
    assert_eq!(rig.movements().await, (4, 0));

    // The sandbox cannot be taken away while it is needed.
    let without_sandbox = |config: &mut PaymentConfig| {
        both(config, &stripe, ProviderName::Stripe);
        config.sandbox_ledger_url.clear();
    };
    let sentence = refusal(&rig, without_sandbox).await;
    assert!(sentence.starts_with("1 open payments and 1 open refunds need sandbox"), "{sentence}");

    let rig = rig.restart_with(|config| both(config, &stripe, ProviderName::Stripe)).await;
    finish(&rig, &at_sandbox).await;
    assert_eq!(rig.movements().await, (4, 3), "each refund reached the sandbox");
    assert!(stripe.state().requests.is_empty(), "{:?}", stripe.state().requests);

    stripe.next("/confirm", Fault::Lost);
    let at_stripe = payments(&rig, VISA, VISA).await;
    assert_eq!(stripe.state().charges, 4);
    assert_eq!(rig.movements().await, (4, 3));
    for (change, needed) in [
        (ProviderName::Sandbox, "stripe acct_1ThisIsTheAccount/test"),
        (ProviderName::Stripe, "stripe acct_1ThisIsTheAccount/test"),
    ] {
        let sentence = refusal(&rig, |config| {
            both(config, &stripe, change);
            match change {
                ProviderName::Sandbox => config.stripe_api_key = souk_values::Secret::default(),
                ProviderName::Stripe => "acct_another".clone_into(&mut config.stripe_account),
            }
        })
        .await;
        assert!(sentence.contains(&format!("1 open payments and 1 open refunds need {needed}")), "{sentence}");
    }

    let rig = rig.restart_with(|config| both(config, &stripe, ProviderName::Sandbox)).await;
    finish(&rig, &at_stripe).await;
    assert_eq!(stripe.state().charges, 4, "nothing is charged twice");
    assert_eq!(rig.movements().await, (4, 3));
    let mut returned: Vec<i64> = stripe.state().refunds.iter().map(|one| one["amount"].as_i64().unwrap()).collect();
    returned.sort_unstable();
    assert_eq!(returned, [500, PRICE, PRICE], "each refund reached Stripe");
    agrees_with_the_books(&rig, &stripe).await;
    // Nothing is open any more, so that each may go; what Stripe captured cannot be refunded then.
    let rig = rig.restart().await;
    let refused = rig.refund(&at_stripe.captured, "late", None).await;
    refused.is_problem(409, "payment.provider_not_configured");
    assert!(refused.text.contains("stripe acct_1ThisIsTheAccount/test"), "{}", refused.text);
    assert_eq!(rig.payment(&at_stripe.captured).await["refundedAmount"]["amount"], 500);
    rig.refund(&at_sandbox.captured, "late2", None).await.expect(200);
}

/// Compares the rows with what the sandbox and Stripe have under each payment.
async fn agrees_with_the_books(rig: &Rig, stripe: &FakeStripe) {
    let config = config(&rig.world);
    let facts = Box::pin(audit::read(&config.store_url, Some(&config.sandbox_ledger_url))).await.unwrap();
    assert_eq!(facts.payments.len(), 8);
    for payment in &facts.payments {
        let refunds = payment.refunds.iter().map(|refund| refund.amount.minor).sum::<i64>();
        let of_payment =
            facts.ledger.iter().filter(|entry| entry.payment_id == souk_values::Id::get(payment.payment_id));
        let in_ledger: Vec<i64> = of_payment.map(|entry| entry.amount.minor).collect();
        if in_ledger.is_empty() {
            let intent = stripe.intent(&json!(payment.payment_id));
            assert_eq!(intent["amount_received"], PRICE);
            assert_eq!(stripe.state().returned(intent["id"].as_str().unwrap()), refunds);
        } else {
            assert_eq!(in_ledger[0], PRICE);
            assert_eq!(in_ledger[1..].iter().sum::<i64>(), refunds);
        }
        assert_ne!(payment.status, Status::Processing);
    }
    // The audit reads the books of both, each for its own payments.
    let account = stripe_captures::account(stripe);
    let list = ProviderList::read(account, Timestamp::EPOCH, rig.world.clock.now()).await.unwrap();
    let audit = PaymentAudit::open(&config.store_url, Some(&config.sandbox_ledger_url)).await.unwrap().with_list(list);
    for payment in audit.payments(i64::MIN, i64::MAX).await.unwrap() {
        let refunded = payment.refunds.iter().map(|refund| refund.amount.minor).sum::<i64>();
        let held = payment.held.unwrap();
        assert_eq!((held.captured, held.refunded), (PRICE, refunded), "{payment:?}");
    }
}

#[tokio::test]
async fn a_webhook_of_one_provider_does_not_touch_a_payment_of_another() {
    let stripe = FakeStripe::start().await;
    let rig = Rig::with(|config| both(config, &stripe, ProviderName::Stripe)).await;
    stripe.next("/confirm", Fault::Lost);
    let order = rig.confirmed();
    let open = rig.pay(order.order_id, "k", VISA).await.expect(201).json;
    // The sandbox declined a charge of the same id, which was not for this payment.
    let token = Secret::new("tok_declined".to_owned());
    sandbox(&rig.world).await.charge(id(&open), euro(PRICE), &token).await.unwrap();
    let body = json!({"paymentId": id(&open)}).to_string();
    let signed = crate::webhooks::signed(&rig, &body);
    signed.send(reqwest::Method::POST, "/payments/webhooks/sandbox", Some(body)).await.expect(204);
    assert_eq!(rig.payment(&open["paymentId"]).await["status"], "processing");
    rig.world.clock.advance(SETTLE);
    eventually("it is settled", || async { rig.payment(&open["paymentId"]).await["status"] == "succeeded" }).await;
}
