//! Paying by Stripe: what is asked of it, every card, and failures that provably took nothing.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use souk_payment::{
    PaymentConfig, ProviderName,
    provider::{
        Charge, PaymentProvider,
        stripe::{Account, Stripe},
    },
    store::{self, PaymentStore},
};
use souk_testkit::World;
use souk_values::{Currency, Money, PaymentId, Secret};
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

use crate::{
    rig::{PRICE, Rig, config},
    settling::claim_and_die,
    stripe_fake::{API_KEY, FakeStripe, Fault, error},
};

pub const WEBHOOK_SECRET: &str = "whsec_ThisIsTheSecret";
pub const VISA: &str = "pm_card_visa";

/// Lets a configuration use Stripe at `base_url`.
pub fn by_stripe(config: &mut PaymentConfig, base_url: &str) {
    config.provider = ProviderName::Stripe;
    base_url.clone_into(&mut config.stripe_base_url);
    config.stripe_api_key = Secret::new(API_KEY.to_owned());
    config.stripe_webhook_secret = Secret::new(WEBHOOK_SECRET.to_owned());
}

/// A shop that is paid by a Stripe of its own.
pub async fn shop() -> (Rig, FakeStripe) {
    shop_with(|_| {}).await
}

pub async fn shop_with(change: impl FnOnce(&mut PaymentConfig)) -> (Rig, FakeStripe) {
    let stripe = FakeStripe::start().await;
    let rig = Rig::with(|config| {
        by_stripe(config, &stripe.base_url);
        change(config);
    })
    .await;
    (rig, stripe)
}

pub async fn store(world: &World) -> Arc<dyn PaymentStore> {
    store::open(&config(world).store_url, world.clock.clone(), world.deps.ids.clone()).await.unwrap().store
}

/// The provider as another process has it.
pub async fn provider(rig: &Rig, stripe: &FakeStripe) -> Stripe {
    let account = Account {
        base_url: stripe.base_url.clone(),
        api_key: Secret::new(API_KEY.to_owned()),
        webhook_secret: Secret::new(WEBHOOK_SECRET.to_owned()),
    };
    Stripe::new(account, store(&rig.world).await, rig.world.clock.clone()).unwrap()
}

pub fn id(payment: &Value) -> PaymentId {
    payment["paymentId"].to_string().parse().unwrap()
}

pub fn visa() -> Secret {
    Secret::new(VISA.to_owned())
}

/// Pays a new order; answers the payment.
pub async fn pay(rig: &Rig, token: &str) -> Value {
    let order = rig.confirmed();
    rig.pay(order.order_id, "k", token).await.expect(201).json
}

fn failed_as(payment: &Value) -> (&Value, &Value) {
    (&payment["status"], &payment["failureCode"])
}

#[tokio::test]
async fn a_card_pays_by_an_intent_that_is_made_kept_and_confirmed() {
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
    assert_eq!(stripe.books().requests, ["POST /v1/payment_intents".to_owned(), confirm]);
    rig.pay(order.order_id, "k", VISA).await.expect(201);
    assert_eq!(stripe.books().charges, 1);
    let provider = provider(&rig, &stripe).await;
    let again = provider.charge(id(&paid), Money::new(PRICE, Currency::EUR), &visa()).await.unwrap();
    assert!(matches!(again, Charge::Captured { .. }));
    stripe.forget_keys();
    let again = provider.charge(id(&paid), Money::new(PRICE, Currency::EUR), &visa()).await.unwrap();
    assert!(matches!(again, Charge::Captured { .. }), "another intent is not confirmed: {again:?}");
    assert_eq!(stripe.books().charges, 1);
}

#[tokio::test]
async fn declined_cards_fail_with_their_reason() {
    let (rig, stripe) = shop().await;
    for (token, code) in [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_authenticationRequired", "authentication_required"),
        ("pm_nobody", "card_declined"),
    ] {
        let order = rig.confirmed();
        let failed = rig.pay(order.order_id, token, token).await.expect(201).json;
        assert_eq!(failed_as(&failed), (&json!("failed"), &json!(code)), "{token}");
        let paid = rig.pay(order.order_id, &format!("{token}-2"), VISA).await.expect(201).json;
        assert_eq!(paid["status"], "succeeded");
    }
    assert_eq!(stripe.books().charges, 4);
    let waiting = |intent: &&Value| intent["status"] == "requires_action";
    assert_eq!(stripe.books().intents.iter().filter(waiting).count(), 0, "what waits for the customer is cancelled");
    let order = rig.confirmed();
    for token in ["tok_visa", "pm_", "pm_x/../y", "pm_ä"] {
        rig.pay(order.order_id, "unknown", token).await.is_problem(422, "payment.token_unknown");
    }
}

#[tokio::test]
async fn what_failed_before_the_confirmation_took_nothing_and_says_so() {
    let (rig, stripe) = shop().await;
    for (status, kind, code) in [
        (500, "api_error", None),
        (429, "invalid_request_error", Some("lock_timeout")),
        (409, "invalid_request_error", Some("idempotency_key_in_use")),
        (400, "invalid_request_error", Some("amount_too_small")),
        (403, "invalid_request_error", None),
    ] {
        stripe.next("/payment_intents", Fault::Answered(status, error(kind, code, None)));
        let failed = pay_new(&rig, &status.to_string()).await;
        assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")), "{status}");
    }
    stripe.next("/confirm", Fault::CancelledBefore);
    let failed = pay_new(&rig, "cancelled").await;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    stripe.next("/confirm", Fault::Answered(401, error("invalid_request_error", Some("api_key_expired"), None)));
    let failed = pay_new(&rig, "expired").await;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    assert_eq!(stripe.books().charges, 0);
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
    assert!(stripe.books().intents.is_empty());
}

/// An address where nobody listens, until somebody does.
async fn silent_address() -> std::net::SocketAddr {
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
    let address = silent_address().await;
    let rig = Rig::with(|config| by_stripe(config, &format!("http://{address}"))).await;
    let before = unavailable(&rig).await;
    let order = rig.confirmed();
    let failed = rig.pay(order.order_id, "k", VISA).await.expect(201).json;
    assert_eq!(failed_as(&failed), (&json!("failed"), &json!("provider_unavailable")));
    assert!(unavailable(&rig).await > before);
    assert_eq!(rig.state(order.order_id).await["processing"], false, "the order may be paid anew");
}

#[tokio::test]
async fn what_the_shop_knows_itself_does_not_keep_the_breaker_closed() {
    let address = silent_address().await;
    let rig = Rig::with(|config| {
        by_stripe(config, &format!("http://{address}"));
        // Ten failures after as many answers of the shop's own would be half.
        config.provider_breaker.failure_rate_threshold = 60.0;
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..12 {
        open.push(claim_and_die(&rig.world, rig.world.user()).await);
    }
    rig.world.clock.advance(Duration::from_secs(6));
    for payment in open {
        souk_testkit::eventually("it is closed", || async { rig.payment(&json!(payment)).await["status"] == "failed" })
            .await;
    }
    for number in 0..10 {
        pay_new(&rig, &number.to_string()).await;
    }
    let stripe = FakeStripe::start_on(TcpListener::bind(address).await.unwrap());
    let denied = pay_new(&rig, "denied").await;
    assert_eq!(failed_as(&denied), (&json!("failed"), &json!("provider_unavailable")));
    assert!(stripe.books().requests.is_empty(), "the breaker is open");
    rig.world.clock.advance(Duration::from_secs(3));
    assert_eq!(pay_new(&rig, "last").await["status"], "succeeded");
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_told_at_once_without_the_keys() {
    let world = World::new().await;
    let mut wrong = config(&world);
    by_stripe(&mut wrong, "ftp://stripe.example/v1");
    wrong.stripe_api_key = Secret::new("pk_live_public".to_owned());
    wrong.stripe_webhook_secret = Secret::default();
    wrong.settle_every_ms = 0;
    let told = souk_payment::build(wrong.clone(), &world.deps).await.unwrap_err().to_string();
    for key in ["stripe-base-url", "stripe-api-key", "stripe-webhook-secret", "settle-every-ms"] {
        assert!(told.contains(key), "{key} in {told}");
    }
    assert!(!told.contains("pk_live_public"), "{told}");
    by_stripe(&mut wrong, "http://stripe.example");
    wrong.settle_every_ms = 100;
    wrong.stripe_api_key = Secret::new("sk_live_secret".to_owned());
    let told = souk_payment::build(wrong, &world.deps).await.unwrap_err().to_string();
    assert!(told.contains("https") && !told.contains("sk_live_secret"), "{told}");
}

/// Everything that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn secrets_are_neither_logged_nor_shown() {
    let lines = Lines::default();
    // While there is only one, what another thread logs first is taken as logged by nobody.
    let _another = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let logging = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(lines.clone()).finish();
    let logging = tracing::subscriber::set_default(logging);
    let (rig, stripe) = shop().await;
    pay(&rig, VISA).await;
    stripe.next("/payment_intents", Fault::Answered(400, error("invalid_request_error", None, Some("amount"))));
    pay_new(&rig, "refused").await;
    stripe.next("/confirm", Fault::Answered(500, error("api_error", None, None)));
    pay_new(&rig, "lost").await;
    drop(logging);
    let shown = format!("{:?}", provider(&rig, &stripe).await);
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("req_fake"), "the request is named: {logged}");
    for secret in [API_KEY, WEBHOOK_SECRET, VISA, "_secret_"] {
        assert!(!logged.contains(secret), "{secret} in {logged}");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
