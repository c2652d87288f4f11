//! Stripe's webhooks: their signature, and the payment that they are about.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use serde::Deserialize;
use souk_values::{Secret, Timestamp};

use crate::provider::{WebhookError, WebhookEvent};

/// Header with the time and the signatures: `t=…,v1=…`.
pub const SIGNATURE_HEADER: &str = "stripe-signature";

/// Largest difference between the time of a webhook and the shop's. An older one may be replayed by an attacker.
const TOLERANCE: Duration = Duration::from_mins(5);

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
}

/// An event about an intent, a charge or a refund.
#[derive(Deserialize)]
struct MoneyEvent {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// An intent, a charge, which carries the metadata of its intent, or a refund, which has its own.
#[derive(Deserialize)]
struct Object {
    metadata: Option<HashMap<String, String>>,
}

/// Verifies that `body` was signed with `secret` within the tolerance of `now`; fails with `SignatureInvalid`.
pub(super) fn verify(secret: &Secret, now: Timestamp, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
    let invalid = WebhookError::SignatureInvalid;
    let header = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).ok_or(invalid)?;
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let time = fields().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(invalid)?;
    let sent = time.parse::<i64>().map_err(|_| invalid)?;
    // With an empty secret, every caller could sign.
    if now.seconds().abs_diff(sent) > TOLERANCE.as_secs() || secret.expose().is_empty() {
        return Err(invalid);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    // Stripe sends several signatures while the endpoint's secret is rolled.
    let signatures = fields().filter(|(name, _)| *name == "v1").filter_map(|(_, tag)| hex::decode(tag).ok());
    // `hmac::verify` compares in constant time.
    let is_signed = signatures.into_iter().any(|tag| hmac::verify(&key, &signed, &tag).is_ok());
    if is_signed { Ok(()) } else { Err(invalid) }
}

/// Returns the payment of this shop that `body` is about; `None` for an event about anything else.
///
/// Errors: `Unreadable` for a body that is not as Stripe documents it.
pub(super) fn read(body: &[u8]) -> Result<Option<WebhookEvent>, WebhookError> {
    let Event { kind } = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
    let is_about_money = kind.starts_with("payment_intent.")
        || kind.starts_with("refund.")
        || matches!(kind.as_str(), "charge.refunded" | "charge.refund.updated");
    if !is_about_money {
        return Ok(None);
    }
    let MoneyEvent { data } = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
    let metadata = data.object.metadata.unwrap_or_default();
    let id = |name: &str| metadata.get(name).map(String::as_str);
    // Without an id of the shop it belongs to another integration of the same account.
    let payment_id = id("payment_id").and_then(|id| id.parse().ok());
    let refund_id = id("refund_id").and_then(|id| id.parse().ok());
    Ok(payment_id.map(|payment_id| WebhookEvent { payment_id, refund_id }))
}
