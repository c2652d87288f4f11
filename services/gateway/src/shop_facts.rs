//! Public facts about the shop: the gateway's own configuration, and what payment and notification say at `/info`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use souk_kit::ShopConfig;
use souk_values::{Currency, Language};
use utoipa::ToSchema;

use crate::upstreams::Upstreams;

/// Time for which complete facts are kept for pages, the same as for browsers. They change with the configuration only.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(60);

/// Public facts about the shop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "Souk", "currency": "EUR", "timeZone": "Europe/Berlin", "languages": ["en", "de"],
    "paymentProvider": "sandbox", "testCards": [{"token": "tok_visa", "description": "Pays."}], "testClock": false,
    "sendsMail": true
}))]
pub(crate) struct ShopView {
    /// Name of the shop, as in mails and on pages.
    pub name: String,
    /// ISO 4217 code of all prices.
    #[schema(value_type = String, example = "EUR")]
    pub currency: Currency,
    /// IANA name of the time zone whose days the summaries count.
    pub time_zone: String,
    /// Languages of the web shop as BCP 47 tags, the default first.
    pub languages: Vec<&'static str>,
    /// Name of the payment provider: `sandbox` or `stripe`; `null` while payment cannot be reached.
    pub payment_provider: Option<String>,
    /// Test cards of the sandbox; empty with another provider.
    pub test_cards: Vec<TestCard>,
    /// True for a shop whose clock an admin may move.
    pub test_clock: bool,
    /// True when mails are sent, false when they are kept as files; `null` while notification cannot be reached.
    pub sends_mail: Option<bool>,
}

/// A card that the sandbox accepts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"token": "tok_visa", "description": "Pays."}))]
pub(crate) struct TestCard {
    /// Token to send in place of a card's.
    pub token: String,
    /// Effect of a payment with this card.
    pub description: String,
}

/// Body of a service's `/info`.
#[derive(Deserialize)]
struct Info<F> {
    facts: F,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentFacts {
    provider: String,
    test_cards: Vec<TestCard>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NotificationFacts {
    sends_mail: bool,
}

/// Reads the facts. Cloning shares those that are kept.
#[derive(Debug, Clone)]
pub(crate) struct FactsReader {
    upstreams: Upstreams,
    shop: Arc<ShopConfig>,
    has_test_clock: bool,
    /// The last complete facts as JSON, and the time at which they were read, by the monotonic clock.
    kept: Arc<Mutex<Option<(Instant, Bytes)>>>,
}

impl FactsReader {
    pub fn new(upstreams: Upstreams, shop: Arc<ShopConfig>, has_test_clock: bool) -> Self {
        Self { upstreams, shop, has_test_clock, kept: Arc::default() }
    }

    /// Reads the facts, without those of a service that is away.
    pub async fn read(&self) -> ShopView {
        let payment = self.facts::<PaymentFacts>("payment");
        let notification = self.facts::<NotificationFacts>("notification");
        let (payment, notification) = tokio::join!(payment, notification);
        let (payment_provider, test_cards) = match payment {
            Some(facts) => (Some(facts.provider), facts.test_cards),
            None => (None, Vec::new()),
        };
        ShopView {
            name: self.shop.name.clone(),
            currency: self.shop.currency,
            time_zone: self.shop.time_zone.zone().to_owned(),
            languages: Language::ALL.map(Language::code).into(),
            payment_provider,
            test_cards,
            test_clock: self.has_test_clock,
            sends_mail: notification.map(|facts| facts.sends_mail),
        }
    }

    /// Returns complete facts as JSON for a page, at most a minute old; `None` while a service is away.
    pub async fn complete(&self) -> Option<Bytes> {
        if let Some((at, facts)) = &*self.kept.lock()
            && at.elapsed() < KEPT_FOR
        {
            return Some(facts.clone());
        }
        let view = self.read().await;
        if !view.is_complete() {
            return None;
        }
        let facts = Bytes::from(serde_json::to_vec(&view).ok()?);
        *self.kept.lock() = Some((Instant::now(), facts.clone()));
        Some(facts)
    }

    /// Returns what `service` says about itself; `None` while it cannot be reached.
    async fn facts<F: DeserializeOwned>(&self, service: &str) -> Option<F> {
        let response = self.upstreams.get(service, "/info").await;
        let read =
            response.and_then(|(_, body)| serde_json::from_slice::<Info<F>>(&body).map_err(|error| error.to_string()));
        match read {
            Ok(info) => Some(info.facts),
            Err(error) => {
                tracing::debug!(service = "gateway", peer = service, error, "a service's facts could not be read");
                None
            }
        }
    }
}

impl ShopView {
    /// False while a service was away that knows a part of the facts.
    pub fn is_complete(&self) -> bool {
        self.payment_provider.is_some() && self.sends_mail.is_some()
    }
}
