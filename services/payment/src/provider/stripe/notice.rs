//! Stripe's webhooks: whether it signed one, and which payment it is about.

use std::{collections::HashMap, time::Duration};

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use serde::Deserialize;
use souk_values::{Secret, Timestamp};

use crate::provider::{Notice, NoticeError};

/// The header with the time and the signatures: `t=…,v1=…`.
pub const SIGNATURE_HEADER: &str = "stripe-signature";

/// How far the time of a notice may be from the shop's. What is older may be a repetition by another.
const TOLERANCE: Duration = Duration::from_mins(5);

/// What every event has.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
}

/// An event that is about an intent, a charge or a refund.
#[derive(Deserialize)]
struct OfMoney {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// Metadata of an intent is on its charge too, and a refund has its own.
#[derive(Deserialize)]
struct Object {
    metadata: Option<HashMap<String, String>>,
}

/// Errors: `body` is not signed with `secret`, or not now.
pub(super) fn check(secret: &Secret, now: Timestamp, headers: &HeaderMap, body: &[u8]) -> Result<(), NoticeError> {
    let header = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).ok_or(NoticeError::Forged)?;
    let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
    let time = fields().find(|(name, _)| *name == "t").map(|(_, time)| time).ok_or(NoticeError::Forged)?;
    let sent = time.parse::<i64>().map_err(|_| NoticeError::Forged)?;
    if now.seconds().abs_diff(sent) > TOLERANCE.as_secs() || secret.expose().is_empty() {
        return Err(NoticeError::Forged);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    // Several while the endpoint's secret is being changed.
    let signatures = fields().filter(|(name, _)| *name == "v1").filter_map(|(_, tag)| hex::decode(tag).ok());
    // `verify` takes the same time wherever they differ.
    let is_signed = signatures.into_iter().any(|tag| hmac::verify(&key, &signed, &tag).is_ok());
    if is_signed { Ok(()) } else { Err(NoticeError::Forged) }
}

/// Which payment of this shop `body` is about; `None` when it is about something else.
///
/// Errors: it is not as Stripe documents it.
pub(super) fn read(body: &[u8]) -> Result<Option<Notice>, NoticeError> {
    let Event { kind } = serde_json::from_slice(body).map_err(|_| NoticeError::Unreadable)?;
    let is_of_money = kind.starts_with("payment_intent.")
        || kind.starts_with("refund.")
        || matches!(kind.as_str(), "charge.refunded" | "charge.refund.updated");
    if !is_of_money {
        return Ok(None);
    }
    let OfMoney { data } = serde_json::from_slice(body).map_err(|_| NoticeError::Unreadable)?;
    let metadata = data.object.metadata.unwrap_or_default();
    let noted = |name: &str| metadata.get(name).map(String::as_str);
    // Without our own number it belongs to another integration of the same account.
    let payment_id = noted("payment_id").and_then(|id| id.parse().ok());
    let refund_id = noted("refund_id").and_then(|id| id.parse().ok());
    Ok(payment_id.map(|payment_id| Notice { payment_id, refund_id }))
}
