//! A payment: one attempt to pay an order, what became of it, and what went back of it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use souk_kit::extract::Idempotency;
use souk_values::{Money, OrderId, PaymentId, RefundId, Timestamp, UserId};
use utoipa::ToSchema;

/// Where a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Claimed; the provider's answer is not known yet.
    Processing,
    /// Captured, and not returned in full.
    Succeeded,
    /// Not captured, and final: a new attempt is a new payment.
    Failed,
    /// Captured and returned in full.
    Refunded,
}

impl Status {
    /// As stored and shown.
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

/// Why a payment failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The card's bank said no.
    CardDeclined,
    /// There is too little on the account.
    InsufficientFunds,
    /// The card's bank wants the payer to confirm it, which this shop has no way for.
    AuthenticationRequired,
    /// The provider provably never took the charge.
    ProviderUnavailable,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 4] =
        [Self::CardDeclined, Self::InsufficientFunds, Self::AuthenticationRequired, Self::ProviderUnavailable];

    /// As stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardDeclined => "card_declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::AuthenticationRequired => "authentication_required",
            Self::ProviderUnavailable => "provider_unavailable",
        }
    }

    /// From its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

/// What is known of the charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet: the provider has to be asked.
    Pending,
    /// The money is captured.
    Captured {
        /// When.
        at: Timestamp,
    },
    /// It provably was not captured.
    Refused {
        /// Why.
        code: FailureCode,
    },
    /// It was called failed, and the provider reported a capture later. All of it goes back.
    CapturedLate {
        /// Why it had failed.
        code: FailureCode,
        /// When it was captured after all.
        at: Timestamp,
    },
}

/// An `Idempotency-Key` as stored: a digest, so that engines which fold case or trim keep keys apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    /// SHA-256 of the key, hexadecimal.
    pub key_hash: String,
    /// SHA-256 of the body it came with, hexadecimal.
    pub body_hash: String,
}

impl From<Idempotency> for RequestKey {
    fn from(Idempotency { key, body_hash }: Idempotency) -> Self {
        Self { key_hash: hex::encode(Sha256::digest(key.as_bytes())), body_hash }
    }
}

/// One attempt to pay an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// This attempt; also the provider's key for it.
    pub payment_id: PaymentId,
    /// What is paid.
    pub order_id: OrderId,
    /// Who pays.
    pub user_id: UserId,
    /// The order's amount when it was claimed.
    pub amount: Money,
    /// What became of it.
    pub outcome: Outcome,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// Grows by one with each change.
    pub version: i64,
    /// What it was asked with.
    pub key: RequestKey,
    /// What went or goes back, oldest first.
    pub refunds: Vec<Refund>,
}

/// Where a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefundStatus {
    /// Due; the provider's answer is not known yet.
    Processing,
    /// The money went back.
    Succeeded,
    /// The provider refused it.
    Failed,
}

impl RefundStatus {
    /// As stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// A return of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// This return; also the provider's key for it.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub status: RefundStatus,
    /// When it became due.
    pub due_at: Timestamp,
    /// When the provider returned or refused it.
    pub settled_at: Option<Timestamp>,
    /// Who asked for it; `None`: it became due by itself.
    pub asked: Option<AskedBy>,
}

/// The request that a refund answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedBy {
    /// The admin.
    pub admin: UserId,
    /// What it was asked with.
    pub key: RequestKey,
}

impl Payment {
    /// The version of a payment when its capture is recorded: claimed is 1, and nothing lies between.
    pub const VERSION_AT_CAPTURE: i64 = 2;

    /// Where it is.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.outcome {
            Outcome::Pending => Status::Processing,
            // Of a capture of nothing, nothing can go back.
            Outcome::Captured { .. } if self.amount.minor > 0 && self.refunded() == self.amount => Status::Refunded,
            Outcome::Captured { .. } => Status::Succeeded,
            Outcome::Refused { .. } | Outcome::CapturedLate { .. } => Status::Failed,
        }
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<FailureCode> {
        match self.outcome {
            Outcome::Refused { code } | Outcome::CapturedLate { code, .. } => Some(code),
            Outcome::Pending | Outcome::Captured { .. } => None,
        }
    }

    /// When the provider captured it, if it did.
    #[must_use]
    pub fn captured_at(&self) -> Option<Timestamp> {
        match self.outcome {
            Outcome::Captured { at } | Outcome::CapturedLate { at, .. } => Some(at),
            Outcome::Pending | Outcome::Refused { .. } => None,
        }
    }

    /// Whether it holds its order's one claim, so that no other attempt may reach the provider.
    #[must_use]
    pub fn holds_claim(&self) -> bool {
        self.failure().is_none()
    }

    /// What went back.
    #[must_use]
    pub fn refunded(&self) -> Money {
        self.sum(|refund| refund.status == RefundStatus::Succeeded)
    }

    /// What may still be asked back: the capture less every refund that has not failed.
    #[must_use]
    pub fn refundable(&self) -> Money {
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
