//! A payment: one attempt to pay an order, its outcome, and its refunds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::extract::Idempotency;
use souk_values::{Money, OrderId, PaymentId, RefundId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::provider_account::ProviderAccount;

/// Progress of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Claimed; the provider's outcome is not known yet.
    Processing,
    /// Captured, and not refunded in full.
    Succeeded,
    /// Not captured, and final: a new attempt is a new payment.
    Failed,
    /// Captured and refunded in full.
    Refunded,
}

impl Status {
    /// Text in the store and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
        }
    }
}

/// Reason of a failed payment. `card_declined`: the card's bank declined the charge. `insufficient_funds`: the card does not
/// cover the amount. `authentication_required`: the bank requires the payer's confirmation (3-D Secure), which the shop does
/// not offer. `provider_unavailable`: the provider provably never accepted the charge, so another attempt may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    CardDeclined,
    InsufficientFunds,
    AuthenticationRequired,
    ProviderUnavailable,
}

impl FailureCode {
    pub const ALL: [Self; 4] =
        [Self::CardDeclined, Self::InsufficientFunds, Self::AuthenticationRequired, Self::ProviderUnavailable];

    /// Text in the store, in JSON, and as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::AuthenticationRequired => "authentication_required",
            Self::ProviderUnavailable => "provider_unavailable",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// Outcome of a charge, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Not known yet: settling queries the provider.
    Pending,
    /// The money is captured.
    Captured { at: Timestamp },
    /// The money provably was not captured.
    Failed { code: FailureCode },
    /// The provider reported a capture after the payment had failed. All of it is refunded.
    CapturedAfterFailure { code: FailureCode, at: Timestamp },
}

/// An `Idempotency-Key` as stored: a digest, so that engines which fold case or trim keep keys apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256 of the key, 64 hexadecimal digits.
    pub key_hash: String,
    /// SHA-256 of the request's body, 64 hexadecimal digits.
    pub body_hash: String,
}

impl From<Idempotency> for RequestKey {
    fn from(idempotency: Idempotency) -> Self {
        Self { key_hash: idempotency.digest(""), body_hash: idempotency.body_hash }
    }
}

/// One attempt to pay an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Also the provider's idempotency key for the charge.
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    /// The payer, who is the order's customer.
    pub user_id: UserId,
    /// The order's amount at the time of the claim.
    pub amount: Money,
    /// Account that takes the money; `None` for a payment that was open before accounts were stored.
    pub account: Option<ProviderAccount>,
    pub outcome: Outcome,
    pub claimed_at: Timestamp,
    /// Grows by one with each change.
    pub version: i64,
    /// Idempotency key of the request that made the attempt.
    pub key: RequestKey,
    /// All refunds, oldest first.
    pub refunds: Vec<Refund>,
}

/// Progress of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundStatus {
    /// Due; the provider's outcome is not known yet.
    Processing,
    /// The provider returned the money. It may come back: then the refund fails after all.
    Succeeded,
    /// Final: the provider refused the refund, or the money came back to it. It is the customer's still.
    Failed,
}

impl RefundStatus {
    /// Text in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A return of captured money, in part or in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// With the attempt, the provider's idempotency key for the refund.
    pub refund_id: RefundId,
    pub amount: Money,
    pub status: RefundStatus,
    pub due_at: Timestamp,
    /// Time at which the provider returned or refused it, or at which it was found to have failed; `None` while it is
    /// processing.
    pub settled_at: Option<Timestamp>,
    /// Number of the attempt, from 1. Each has a key of its own at the provider, which repeats its answer to a key,
    /// errors included.
    pub attempt: i64,
    /// Time of the provider's definite answer to this attempt, if that was an error.
    pub answered_at: Option<Timestamp>,
    /// Request of an admin; `None` for a refund that became due automatically.
    pub request: Option<RefundRequest>,
}

/// An admin's request for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    pub admin: UserId,
    pub key: RequestKey,
}

impl Refund {
    /// Time that must have passed since the provider answered an attempt with an error until another may be made. By
    /// then a refund that the attempt made all the same is found by a look-up.
    pub const PAUSE_BEFORE_NEXT_ATTEMPT: Duration = Duration::from_mins(1);
}

impl Payment {
    /// Version of a payment once its capture is recorded: a claim is version 1, and no change lies between.
    pub const VERSION_AT_CAPTURE: i64 = 2;

    #[must_use]
    pub fn status(&self) -> Status {
        match self.outcome {
            Outcome::Pending => Status::Processing,
            // A capture of zero has nothing to refund, so it never counts as refunded.
            Outcome::Captured { .. } if self.amount.minor > 0 && self.refunded_amount() == self.amount => {
                Status::Refunded
            }
            Outcome::Captured { .. } => Status::Succeeded,
            Outcome::Failed { .. } | Outcome::CapturedAfterFailure { .. } => Status::Failed,
        }
    }

    /// Reason of the failure; `None` unless the payment failed.
    #[must_use]
    pub fn failure_code(&self) -> Option<FailureCode> {
        match self.outcome {
            Outcome::Failed { code } | Outcome::CapturedAfterFailure { code, .. } => Some(code),
            Outcome::Pending | Outcome::Captured { .. } => None,
        }
    }

    /// Time of the capture, including one that was reported after a failure.
    #[must_use]
    pub fn captured_at(&self) -> Option<Timestamp> {
        match self.outcome {
            Outcome::Captured { at } | Outcome::CapturedAfterFailure { at, .. } => Some(at),
            Outcome::Pending | Outcome::Failed { .. } => None,
        }
    }

    /// True while the payment holds its order's only claim, so that no other attempt may reach the provider.
    #[must_use]
    pub fn holds_claim(&self) -> bool {
        self.failure_code().is_none()
    }

    /// Sum of the refunds that the provider returned.
    #[must_use]
    pub fn refunded_amount(&self) -> Money {
        self.sum(|refund| refund.status == RefundStatus::Succeeded)
    }

    /// Amount that can still be refunded: the capture less every refund that has not failed.
    #[must_use]
    pub fn refundable_amount(&self) -> Money {
        if self.captured_at().is_none() {
            return Money::zero(self.amount.currency);
        }
        let promised = self.sum(|refund| refund.status != RefundStatus::Failed);
        Money::new(self.amount.minor.saturating_sub(promised.minor).max(0), self.amount.currency)
    }

    fn sum(&self, counts: impl Fn(&Refund) -> bool) -> Money {
        let minor = self.refunds.iter().filter(|refund| counts(refund)).map(|refund| refund.amount.minor);
        Money::new(minor.fold(0, i64::saturating_add), self.amount.currency)
    }
}
