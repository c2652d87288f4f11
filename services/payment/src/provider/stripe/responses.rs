//! The part of Stripe's responses that is read. `client_secret` and card data are never read.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, de::IgnoredAny};
use souk_values::{RefundId, Timestamp};

use super::api::ApiError;
use crate::{
    payment::FailureCode,
    provider::{ChargeOutcome, RefundOutcome},
};

/// Id of a payment intent, `pi_…`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct IntentId(String);

impl IntentId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for IntentId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // The id becomes a segment of a URL's path, so no other characters may pass.
        if text.strip_prefix("pi_").is_some_and(is_id_suffix) { Ok(Self(text)) } else { Err("not the id of an intent") }
    }
}

/// True for text that can follow the prefix of a Stripe id: ASCII letters, digits and underscores.
pub(super) fn is_id_suffix(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub id: IntentId,
    status: String,
    /// Unix time in seconds.
    created: i64,
    latest_charge: Option<LatestCharge>,
    last_payment_error: Option<PaymentFailure>,
}

/// A charge. Every request expands it; only an event carries the bare id.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Expanded { created: i64 },
    Id(IgnoredAny),
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PaymentFailure {
    code: Option<String>,
    decline_code: Option<String>,
}

impl Intent {
    /// Returns the outcome of the charge; `Unknown` for an intent that took nothing and might still be confirmed.
    ///
    /// Errors: `Lost`, for a status that Stripe does not document.
    pub fn outcome(&self) -> Result<ChargeOutcome, ApiError> {
        let declined = self.last_payment_error.as_ref().map(PaymentFailure::failure_code);
        match (self.status.as_str(), declined) {
            ("succeeded", _) => Ok(ChargeOutcome::Captured { at: self.captured_at() }),
            ("processing", _) => Ok(ChargeOutcome::Pending),
            ("requires_payment_method" | "canceled", Some(code)) => Ok(ChargeOutcome::Declined(code)),
            ("canceled", None) => Ok(ChargeOutcome::Closed),
            ("requires_payment_method", None)
            | ("requires_confirmation" | "requires_action" | "requires_capture", _) => Ok(ChargeOutcome::Unknown),
            (status, _) => Err(ApiError::Lost(format!("the intent has the undocumented status '{status}'"))),
        }
    }

    /// True when the customer's bank requires a confirmation by the customer.
    pub fn requires_customer(&self) -> bool {
        self.status == "requires_action"
    }

    fn captured_at(&self) -> Timestamp {
        match self.latest_charge {
            Some(LatestCharge::Expanded { created }) => timestamp(created),
            Some(LatestCharge::Id(_)) | None => timestamp(self.created),
        }
    }
}

impl PaymentFailure {
    fn failure_code(&self) -> FailureCode {
        failure_code(self.code.as_deref(), self.decline_code.as_deref())
    }
}

/// A page of refunds, newest first.
#[derive(Debug, Deserialize)]
pub(super) struct Refunds {
    pub data: Vec<Refund>,
    pub has_more: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    /// Unix time in seconds.
    created: i64,
    status: Option<String>,
    metadata: Option<HashMap<String, String>>,
}

impl Refund {
    /// True when the metadata carries the shop's `refund_id`.
    pub fn has_id(&self, refund_id: RefundId) -> bool {
        let id = self.metadata.as_ref().and_then(|metadata| metadata.get("refund_id"));
        id.is_some_and(|id| *id == refund_id.to_string())
    }

    /// Errors: `Lost`, for a status that Stripe does not document.
    pub fn outcome(&self) -> Result<RefundOutcome, ApiError> {
        match self.status.as_deref() {
            Some("succeeded") => Ok(RefundOutcome::Done { at: timestamp(self.created) }),
            Some("pending" | "requires_action") => Ok(RefundOutcome::Pending),
            Some("failed" | "canceled") => Ok(RefundOutcome::Refused),
            status => Err(ApiError::Lost(format!("the refund has the undocumented status {status:?}"))),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub error: ErrorObject,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorObject {
    #[serde(rename = "type")]
    pub kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

/// A request that Stripe refused, and that had no effect.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub error: ErrorObject,
    /// Finds the request in Stripe's dashboard, together with Stripe's message.
    pub request_id: String,
}

impl Refusal {
    /// True when the card's bank, or Stripe on its behalf, declined the charge.
    pub fn is_decline(&self) -> bool {
        self.status == 402 || self.error.kind == "card_error"
    }

    /// True when the payment method cannot be charged at all.
    pub fn concerns_card(&self) -> bool {
        self.error.param.as_deref() == Some("payment_method")
    }

    /// True when the API key is wrong or lacks the permission.
    pub fn concerns_api_key(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// True when the state of the intent does not allow the request.
    pub fn concerns_state(&self) -> bool {
        self.error.code.as_deref() == Some("payment_intent_unexpected_state")
    }

    /// True when a retry cannot help: the money was already returned, is disputed, or is less than the refund.
    pub fn is_final_for_refund(&self) -> bool {
        let code = self.error.code.as_deref();
        let is_final = matches!(code, Some("charge_already_refunded" | "charge_disputed" | "refund_disputed_payment"));
        is_final || self.error.param.as_deref() == Some("amount")
    }

    /// Returns the failure code of a payment that was declined with this refusal.
    pub fn failure_code(&self) -> FailureCode {
        failure_code(self.error.code.as_deref(), self.error.decline_code.as_deref())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Stripe's message is left out: it repeats what was sent.
        write!(f, "{} {}", self.status, self.error.kind)?;
        for (name, value) in [("code", &self.error.code), ("param", &self.error.param)] {
            if let Some(value) = value {
                write!(f, ", {name} {value}")?;
            }
        }
        write!(f, ", request {}", self.request_id)
    }
}

fn failure_code(code: Option<&str>, decline_code: Option<&str>) -> FailureCode {
    let is_any = |codes: &[&str]| [code, decline_code].into_iter().flatten().any(|code| codes.contains(&code));
    if is_any(&["insufficient_funds"]) {
        FailureCode::InsufficientFunds
    } else if is_any(&[
        "authentication_required",
        "authentication_not_handled",
        "payment_intent_authentication_failure",
    ]) {
        FailureCode::AuthenticationRequired
    } else {
        FailureCode::CardDeclined
    }
}

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1_000))
}
