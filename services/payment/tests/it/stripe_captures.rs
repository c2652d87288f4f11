//! Stripe's own list of captures, as the audit compares it with the rows.

use std::time::Duration;

use souk_payment::{
    audit::{Held, PaymentAudit, ProviderList},
    provider::stripe::StripeAccount,
    provider_account::ProviderAccount,
};
use souk_values::{Clock, Id, PaymentId, Secret, Timestamp};

use crate::{
    rig::{PRICE, Rig, config},
    stripe::{ACCOUNT, VISA, id, shop},
    stripe_fake::{API_KEY, FakeStripe, Fault, error},
};

pub fn account(stripe: &FakeStripe) -> StripeAccount {
    StripeAccount {
        account: crate::stripe::account(),
        base_url: stripe.base_url.clone(),
        api_key: Secret::new(API_KEY.to_owned()),
        webhook_secret: Secret::default(),
    }
}

/// Reads the whole list, and the rows beside it.
async fn audit(rig: &Rig, stripe: &FakeStripe) -> PaymentAudit {
    // The fake has the machine's time, the shop that of the test.
    let until = rig.world.clock.now().plus(Duration::from_hours(1));
    let list = ProviderList::read(account(stripe), Timestamp::EPOCH, until).await.unwrap();
    PaymentAudit::open(&config(&rig.world).store_url, None).await.unwrap().with_list(list)
}

#[tokio::test]
async fn every_page_is_read_and_compared_with_the_rows() {
    let (rig, stripe) = shop().await;
    let pay = async |key, token| rig.pay(rig.confirmed().order_id, key, token).await.expect(201).json;
    let refunded = pay("k1", VISA).await;
    let paid = pay("k2", VISA).await;
    rig.refund(&refunded["paymentId"], "r1", Some(500)).await.expect(200);
    pay("k3", "pm_card_chargeDeclined").await;
    // The account has another integration, and an intent of the shop whose row is gone.
    let foreign = stripe.create_intent(PaymentId::new(7).unwrap(), PRICE);
    stripe.capture(&foreign);
    if let Some(intent) = stripe.state().intents.iter_mut().find(|intent| intent["id"] == foreign.as_str()) {
        intent["metadata"] = serde_json::json!({});
    }
    let orphan = stripe.create_intent(PaymentId::new(9).unwrap(), PRICE);
    stripe.capture(&orphan);
    stripe.state().page = Some(2);

    let audit = audit(&rig, &stripe).await;
    assert_eq!(audit.unknown_in_list().await.unwrap(), [9]);
    let payments = audit.payments(i64::MIN, i64::MAX).await.unwrap();
    let held = |payment: &serde_json::Value| {
        payments.iter().find(|one| one.payment_id == id(payment)).and_then(|one| one.held).unwrap()
    };
    let listed = |captured, refunded| Held { captured, refunded, is_older: true };
    assert_eq!(held(&refunded), listed(PRICE, 500));
    assert_eq!(held(&paid), listed(PRICE, 0));
    let requests = stripe.state().requests.clone();
    assert_eq!(requests.iter().filter(|request| *request == "GET /v1/payment_intents").count(), 3, "{requests:?}");
}

#[tokio::test]
async fn a_payment_is_compared_with_the_list_of_its_own_account_only() {
    let (rig, _) = shop().await;
    rig.pay(rig.confirmed().order_id, "k", VISA).await.expect(201);
    let empty = FakeStripe::start().await;
    let until = rig.world.clock.now().plus(Duration::from_hours(1));
    let missing = Some(Held { is_older: true, ..Held::default() });
    for (listed, expected) in [
        (crate::stripe::account(), missing),
        (ProviderAccount::stripe(ACCOUNT, true), None),
        (ProviderAccount::stripe("acct_another", false), None),
    ] {
        let account = StripeAccount { account: listed.clone(), ..account(&empty) };
        let list = ProviderList::read(account, Timestamp::EPOCH, until).await.unwrap();
        let audit = PaymentAudit::open(&config(&rig.world).store_url, None).await.unwrap().with_list(list);
        let payments = audit.payments(i64::MIN, i64::MAX).await.unwrap();
        assert_eq!(payments.iter().map(|payment| payment.held).collect::<Vec<_>>(), [expected], "{listed}");
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_is_an_error_and_no_short_list() {
    let (rig, stripe) = shop().await;
    stripe.next("GET /v1/payment_intents", Fault::Response(500, error("api_error", None, None)));
    ProviderList::read(account(&stripe), Timestamp::EPOCH, rig.world.clock.now()).await.unwrap_err();
}
