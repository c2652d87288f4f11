//! Paying with Stripe: its requests, every test card, and failures that provably took nothing.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use souk_kit::Service;
use souk_payment::{
    Payment, PaymentConfig, ProviderName,
    provider::{
        ChargeOutcome, PaymentProvider,
        stripe::{Stripe, StripeAccount},
    },
    provider_account::ProviderAccount,
    store::{self, PaymentStore},
};
use souk_testkit::{CapturedLog, World, eventually};
use souk_values::{Currency, Money, PaymentId, Secret};
use tokio::net::TcpListener;

use crate::{
    rig::{PRICE, Rig, SETTLE, config},
    settling::claim_and_crash,
    stripe_fake::{API_KEY, FakeStripe, Fault, error},
};

pub const WEBHOOK_SECRET: &str = "whsec_ThisIsTheSecret";
pub const ACCOUNT: &str = "acct_1ThisIsTheAccount";
pub const VISA: &str = "pm_card_visa";

/// Configures Stripe at `base_url`, and no sandbox.
pub fn use_stripe(config: &mut PaymentConfig, base_url: &str) {
    config.provider = ProviderName::Stripe;
    config.sandbox_ledger_url.clear();
    base_url.clone_into(&mut config.stripe_base_url);
    config.stripe_api_key = Secret::new(API_KEY.to_owned());
    ACCOUNT.clone_into(&mut config.stripe_account);
    config.stripe_webhook_secret = Secret::new(WEBHOOK_SECRET.to_owned());
}

/// Starts a shop with its own fake Stripe.
pub async fn shop() -> (Rig, FakeStripe) {
    shop_with(|_| {}).await
}

pub async fn shop_with(change: impl FnOnce(&mut PaymentConfig)) -> (Rig, FakeStripe) {
    let stripe = FakeStripe::start().await;
    let rig = Rig::with(|config| {
        use_stripe(config, &stripe.base_url);
        change(config);
    })
    .await;
    (rig, stripe)
}

pub async fn store(world: &World) -> Arc<dyn PaymentStore> {
    store::open(&config(world).store_url, world.clock.clone(), world.deps.ids.clone()).await.unwrap().store
}

/// Returns the provider as another process has it.
pub async fn provider(rig: &Rig, stripe: &FakeStripe) -> Stripe {
    let account = StripeAccount {
        account: account(),
        base_url: stripe.base_url.clone(),
        api_key: Secret::new(API_KEY.to_owned()),
        webhook_secret: Secret::new(WEBHOOK_SECRET.to_owned()),
    };
    Stripe::new(account, store(&rig.world).await, rig.world.clock.clone()).unwrap()
}

/// Returns the account that takes the payments: `API_KEY` is of its test mode.
pub fn account() -> ProviderAccount {
    ProviderAccount::stripe(ACCOUNT, false)
}

pub fn id(payment: &Value) -> PaymentId {
    payment["paymentId"].to_string().parse().unwrap()
}

pub fn visa() -> Secret {
    Secret::new(VISA.to_owned())
}

/// Pays a new order with `token`; returns the payment.
pub async fn pay(rig: &Rig, token: &str) -> Value {
    let order = rig.confirmed();
    rig.pay(order.order_id, "k", token).await.expect(201).json
}

fn failed_as(payment: &Value) -> (&Value, &Value) {
    (&payment["status"], &payment["failureCode"])
}

#[tokio::test]
async fn a_card_pays_with_an_intent_that_is_created_stored_and_confirmed() {
    let (rig, stripe) = shop().await;
    let order = rig.confirmed();
    let paid = rig.pay(order.order_id, "k", VISA).await.expect(201).json;
    assert_eq!(paid["status"], "succeeded");
    let intent = stripe.intent(&paid["paymentId"]);
    assert_eq!((&intent["amount"], &intent["currency"]), (&json!(PRICE), &json!("eur")));
    let captured = rig.state(order.order_id).await["captured"]["capturedAt"].to_string();
    let at = souk_values::Timestamp::from_millis(intent["latest_charge"]["created"].as_i64().unwrap() * 1_000);
    assert_eq!(captured, format!("\"{at}\""), "the charge's own time");
    let confirm = format!("POST /v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    assert_eq!(stripe.state().requests, ["POST /v1/payment_intents".to_owned(), confirm]);
    rig.pay(order.order_id, "k", VISA).await.expect(201);
    assert_eq!(stripe.state().charges, 1);
    let provider = provider(&rig, &stripe).await;
    let again = provider.charge(id(&paid), Money::new(PRICE, Currency::EUR), &visa()).await.unwrap();
    assert!(matches!(again, ChargeOutcome::Captured { .. }));
    stripe.drop_keys();
    let again = provider.charge(id(&paid), Money::new(PRICE, Currency::EUR), &visa()).await.unwrap();
    assert!(matches!(again, ChargeOutcome::Captured { .. }), "a second intent is not confirmed: {again:?}");
    assert_eq!(stripe.state().charges, 1);
}

#[tokio::test]
async fn declined_cards_fail_with_their_reason() {
    let (rig, stripe) = shop().await;
    for (token, code) in [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required"),
        ("pm_unheard_of", "card_declined"),
    ] {
        let order = rig.confirmed();
        let failed = rig.pay(order.order_id, token, token).await.expect(201).json;
        assert_eq!(failed_as(&failed), (&json!("failed"), &json!(code)), "{token}");
        let paid = rig.pay(order.order_id, &format!("{token}-2"), VISA).await.expect(201).json;
        assert_eq!(paid["status"], "succeeded");
    }
    assert_eq!(stripe.state().charges, 4);
    let waiting = |intent: &&Value| intent["status"] == "requires_action";
    assert_eq!(
        stripe.state().intents.iter().filter(waiting).count(),
        0,
        "intents that wait for the customer are cancelled"
    );
    let order = rig.confirmed();
    for token in ["tok_visa", "pm_", "pm_x/../y", "pm_ä"] {
        rig.pay(order.order_id, "unknown", token).await.is_problem(422, "payment.token_unknown");
    }
}

#[tokio::test]
async fn a_failure_before_the_confirmation_takes_nothing_and_fails_the_payment() {
    let (rig, stripe) = shop().await;
    for (status, kind, code) in [
        (500, "api_error", None),
        (429, "invalid_request_error", Some("lock_timeout")),
        (409, "invalid_request_error", Some("idempotency_key_in_use")),
        (400, "invalid_request_error", Some("amount_too_small")),
        (403, "invalid_request_error", None),
    ] {
        stripe.next("/payment_intents", Fault::Response(status, error(kind, code, None)));
        let failed = pay_new(&rig, &status.to_string()).await;
        assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")), "{status}");
    }
    stripe.next("/confirm", Fault::CancelledBefore);
    let failed = pay_new(&rig, "cancelled").await;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    stripe.next("/confirm", Fault::Response(401, error("invalid_request_error", Some("api_key_expired"), None)));
    let failed = pay_new(&rig, "expired").await;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    assert_eq!(stripe.state().charges, 0);
}

async fn pay_new(rig: &Rig, key: &str) -> Value {
    let order = rig.confirmed();
    rig.pay(order.order_id, key, VISA).await.expect(201).json
}

#[tokio::test]
async fn a_wrong_key_fails_the_payment() {
    let (rig, stripe) = shop_with(|config| config.stripe_api_key = Secret::new("sk_test_other".to_owned())).await;
    let failed = pay(&rig, VISA).await;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    assert!(stripe.state().intents.is_empty());
}

/// Returns an address where no server listens yet.
async fn unused_address() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn unavailable(rig: &Rig) -> u64 {
    let series = "payment_failure_total{service=\"payment\",reason=\"provider_unavailable\"} ";
    let shown = rig.service.client.get("/metrics").await.text;
    let line = shown.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("{series} in {shown}")).parse().unwrap()
}

#[tokio::test]
async fn an_outage_shows_as_provider_unavailable() {
    let address = unused_address().await;
    let rig = Rig::with(|config| use_stripe(config, &format!("http://{address}"))).await;
    let before = unavailable(&rig).await;
    let order = rig.confirmed();
    let failed = rig.pay(order.order_id, "k", VISA).await.expect(201).json;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    assert!(unavailable(&rig).await > before);
    assert_eq!(rig.state(order.order_id).await["processing"], false, "the order can be paid again");
}

#[tokio::test]
async fn outcomes_from_the_own_store_do_not_keep_the_breaker_closed() {
    let address = unused_address().await;
    let rig = Rig::with(|config| {
        use_stripe(config, &format!("http://{address}"));
        // Ten failures after twelve local outcomes would be less than half, if those counted.
        config.provider_breaker.failure_rate_threshold = 60.0;
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(claim_and_crash(&rig.world, rig.world.user(), &account()).await);
    }
    rig.world.clock.advance(SETTLE);
    for payment in open {
        eventually("it is closed", || async { rig.payment(&json!(payment)).await["status"] == "failed" }).await;
    }
    for number in 0..10 {
        pay_new(&rig, &number.to_string()).await;
    }
    let stripe = FakeStripe::start_on(TcpListener::bind(address).await.unwrap());
    let denied = pay_new(&rig, "denied").await;
    assert_eq!(failed_as(&denied), (&json!("failed"), &json!("provider_unavailable")));
    assert!(stripe.state().requests.is_empty(), "the breaker is open");
    rig.world.clock.advance(Duration::from_secs(3));
    assert_eq!(pay_new(&rig, "last").await["status"], "succeeded");
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_reported_together_without_the_keys() {
    let world = World::new().await;
    let mut wrong = config(&world);
    use_stripe(&mut wrong, "ftp://stripe.example/v1");
    wrong.stripe_api_key = Secret::new("pk_live_public".to_owned());
    wrong.stripe_webhook_secret = Secret::default();
    wrong.settle_every_ms = 0;
    let reported = Payment::build(wrong.clone(), &world.deps).await.unwrap_err().to_string();
    for key in ["stripe-base-url", "stripe-api-key", "stripe-webhook-secret", "settle-every-ms"] {
        assert!(reported.contains(key), "{key} in {reported}");
    }
    assert!(!reported.contains("pk_live_public"), "{reported}");
    use_stripe(&mut wrong, "http://stripe.example");
    wrong.settle_every_ms = 100;
    wrong.stripe_api_key = Secret::new("sk_live_secret".to_owned());
    let reported = Payment::build(wrong, &world.deps).await.unwrap_err().to_string();
    assert!(reported.contains("https") && !reported.contains("sk_live_secret"), "{reported}");
}

#[tokio::test]
async fn secrets_are_neither_logged_nor_shown() {
    let log = CapturedLog::start(tracing::Level::DEBUG);
    let (rig, stripe) = shop().await;
    pay(&rig, VISA).await;
    stripe.next("/payment_intents", Fault::Response(400, error("invalid_request_error", None, Some("amount"))));
    pay_new(&rig, "refused").await;
    stripe.next("/confirm", Fault::Response(500, error("api_error", None, None)));
    pay_new(&rig, "lost").await;
    let shown = format!("{:?}", provider(&rig, &stripe).await);
    let logged = log.text();
    assert!(logged.contains("req_fake"), "the request is named: {logged}");
    for secret in [API_KEY, WEBHOOK_SECRET, VISA, "_secret_"] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
