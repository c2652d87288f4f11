//! What Stripe answers, as far as it is read. Never read: `client_secret` and the cards.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, de::IgnoredAny};
use souk_values::{RefundId, Timestamp};

use super::api::Failed;
use crate::{
    payment::FailureCode,
    provider::{Charge, Return},
};

/// The id of a payment intent, `pi_…`.
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
        // It becomes part of a path.
        if text.strip_prefix("pi_").is_some_and(is_plain) { Ok(Self(text)) } else { Err("it is no id of an intent") }
    }
}

/// Whether it is what an id of Stripe's has after its prefix.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A payment intent.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub id: IntentId,
    status: String,
    created: i64,
    latest_charge: Option<LatestCharge>,
    last_payment_error: Option<PaymentFailure>,
}

/// A charge, which every request asks to be shown whole.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Whole { created: i64 },
    Id(IgnoredAny),
}

/// Why an attempt failed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PaymentFailure {
    code: Option<String>,
    decline_code: Option<String>,
}

impl Intent {
    /// What it says of the charge. `Unknown`: nothing is taken, and it might still be confirmed.
    pub fn stands(&self) -> Result<Charge, Failed> {
        let declined = self.last_payment_error.as_ref().map(PaymentFailure::failure_code);
        match (self.status.as_str(), declined) {
            ("succeeded", _) => Ok(Charge::Captured { at: self.captured_at() }),
            ("processing", _) => Ok(Charge::Pending),
            ("requires_payment_method" | "canceled", Some(code)) => Ok(Charge::Declined(code)),
            ("canceled", None) => Ok(Charge::Closed),
            ("requires_payment_method", None)
            | ("requires_confirmation" | "requires_action" | "requires_capture", _) => Ok(Charge::Unknown),
            (status, _) => Err(Failed::Lost(format!("an intent is '{status}', which is not documented"))),
        }
    }

    /// Whether the customer's bank wants to hear from him first.
    pub fn waits_for_customer(&self) -> bool {
        self.status == "requires_action"
    }

    fn captured_at(&self) -> Timestamp {
        match self.latest_charge {
            Some(LatestCharge::Whole { created }) => seconds(created),
            Some(LatestCharge::Id(_)) | None => seconds(self.created),
        }
    }
}

impl PaymentFailure {
    fn failure_code(&self) -> FailureCode {
        failure_code(self.code.as_deref(), self.decline_code.as_deref())
    }
}

/// A page of refunds.
#[derive(Debug, Deserialize)]
pub(super) struct Refunds {
    pub data: Vec<Refund>,
    pub has_more: bool,
}

/// A return of money.
#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    created: i64,
    status: Option<String>,
    metadata: Option<HashMap<String, String>>,
}

impl Refund {
    /// Whether it is this one of ours.
    pub fn is_of(&self, refund_id: RefundId) -> bool {
        let noted = self.metadata.as_ref().and_then(|metadata| metadata.get("refund_id"));
        noted.is_some_and(|noted| *noted == refund_id.to_string())
    }

    /// What it says of the return.
    pub fn stands(&self) -> Result<Return, Failed> {
        match self.status.as_deref() {
            Some("succeeded") => Ok(Return::Done { at: seconds(self.created) }),
            Some("pending" | "requires_action") => Ok(Return::Pending),
            Some("failed" | "canceled") => Ok(Return::Refused),
            status => Err(Failed::Lost(format!("a refund is {status:?}, which is not documented"))),
        }
    }
}

/// The body of an error.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub error: ErrorObject,
}

/// What Stripe says of a request that it refuses.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorObject {
    #[serde(rename = "type")]
    pub kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
}

/// A request that Stripe refused: it did nothing.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: u16,
    pub error: ErrorObject,
    /// Finds the request, with Stripe's own words, in its dashboard.
    pub request_id: String,
}

impl Refusal {
    /// The card's bank, or Stripe for it, said no.
    pub fn is_decline(&self) -> bool {
        self.status == 402 || self.error.kind == "card_error"
    }

    /// The card that was named is none that can be charged.
    pub fn is_of_the_card(&self) -> bool {
        self.error.param.as_deref() == Some("payment_method")
    }

    /// The secret key is wrong, or may not do this.
    pub fn is_of_the_key(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// The intent is not in a state for this.
    pub fn is_of_the_state(&self) -> bool {
        self.error.code.as_deref() == Some("payment_intent_unexpected_state")
    }

    /// The money went back otherwise, is disputed, or is less than that: it will not be different tomorrow.
    pub fn is_of_the_refund(&self) -> bool {
        let code = self.error.code.as_deref();
        let is_final = matches!(code, Some("charge_already_refunded" | "charge_disputed" | "refund_disputed_payment"));
        is_final || self.error.param.as_deref() == Some("amount")
    }

    /// Why a payment failed that is declined for this.
    pub fn failure_code(&self) -> FailureCode {
        failure_code(self.error.code.as_deref(), self.error.decline_code.as_deref())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not its message: that repeats what was sent.
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
    let is = |wanted: &[&str]| [code, decline_code].into_iter().flatten().any(|said| wanted.contains(&said));
    if is(&["insufficient_funds"]) {
        FailureCode::InsufficientFunds
    } else if is(&["authentication_required", "authentication_not_handled", "payment_intent_authentication_failure"]) {
        FailureCode::AuthenticationRequired
    } else {
        FailureCode::CardDeclined
    }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1_000))
}
