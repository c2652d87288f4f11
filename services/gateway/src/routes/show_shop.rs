//! `GET /api/shop`: public facts about the shop.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use souk_values::Currency;
use utoipa::ToSchema;

use crate::app::App;

/// Facts change with the configuration only. While a service was away when they were read, they are read again soon.
const COMPLETE: HeaderValue = HeaderValue::from_static("public, max-age=60");
const INCOMPLETE: HeaderValue = HeaderValue::from_static("no-store");
/// Languages of the web shop.
const LANGUAGES: &[&str] = &["en", "de"];

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
    pub languages: &'static [&'static str],
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

/// Returns public facts about the shop. The gateway answers also while a service is away, without that service's facts.
#[utoipa::path(get, path = "", responses((status = 200, body = ShopView, description = "The shop.")))]
pub(crate) async fn handle(State(app): State<App>) -> Response {
    let payment = facts::<PaymentFacts>(&app, "payment");
    let notification = facts::<NotificationFacts>(&app, "notification");
    let (payment, notification) = tokio::join!(payment, notification);
    let caching = if payment.is_some() && notification.is_some() { COMPLETE } else { INCOMPLETE };
    let (payment_provider, test_cards) = match payment {
        Some(facts) => (Some(facts.provider), facts.test_cards),
        None => (None, Vec::new()),
    };
    let shop = ShopView {
        name: app.shop.name.clone(),
        currency: app.shop.currency,
        time_zone: app.shop.time_zone.zone().to_owned(),
        languages: LANGUAGES,
        payment_provider,
        test_cards,
        test_clock: app.test_clock.is_some(),
        sends_mail: notification.map(|facts| facts.sends_mail),
    };
    ([(header::CACHE_CONTROL, caching)], Json(shop)).into_response()
}

/// Returns what `service` says about itself; `None` while it cannot be reached.
async fn facts<F: DeserializeOwned>(app: &App, service: &str) -> Option<F> {
    let response = app.upstreams.get(service, "/info").await;
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
