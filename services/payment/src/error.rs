//! What payment refuses or fails at: status and stable code in one place.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_bus::Failure;
use souk_events::EventError;
use souk_kit::{CallError, Problem, extract::Idempotency};
use souk_sql::SqlError;

use crate::{provider::ProviderError, store::StoreError};

/// Why a request or an event was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Unknown, or another's.
    #[error("there is no such payment")]
    NotFound,
    /// Unknown, or another's.
    #[error("there is no such order")]
    OrderNotFound,
    /// Not confirmed yet, cancelled, or past `payBy`.
    #[error("the order cannot be paid now")]
    OrderNotPayable,
    /// Another attempt's outcome is not known yet.
    #[error("the order is being paid")]
    InProgress,
    /// The order's amount is captured, or was and went back.
    #[error("the order is paid")]
    AlreadyPaid,
    /// The provider does not know the card's token.
    #[error("the token is unknown")]
    TokenUnknown,
    /// Nothing of the payment can go back.
    #[error("the payment cannot be refunded")]
    NotRefundable,
    /// More than is left of the capture.
    #[error("the refund is larger than what is left")]
    RefundTooLarge,
    /// Not the payment's currency.
    #[error("another currency")]
    CurrencyMismatch,
    /// The key came with another body before.
    #[error("the key was used with another body")]
    KeyReused,
    /// No provider of this shop has this name.
    #[error("there is no such provider")]
    ProviderUnknown,
    /// The signature of a webhook is missing or wrong.
    #[error("the signature is not the provider's")]
    WebhookForged,
    /// The provider's own, but not what it documents.
    #[error("the webhook cannot be read")]
    WebhookUnreadable,
    /// The body is larger than any webhook is.
    #[error("the webhook is too large")]
    WebhookTooLarge,
    /// Others changed the same order again and again.
    #[error("the order was changed by others again and again")]
    Contended,
    /// Order did not answer, and its order is not known here.
    #[error(transparent)]
    Order(#[from] CallError),
    /// The provider did not answer.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event that cannot be shown as JSON.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The work ended by a defect. What it had begun is settled.
    #[error("the work ended by a defect: {0}")]
    Stopped(#[from] tokio::task::JoinError),
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        use PaymentError as E;
        let (status, code, detail) = match error {
            E::NotFound => (StatusCode::NOT_FOUND, "payment.not_found", "There is no such payment."),
            E::OrderNotFound => (StatusCode::NOT_FOUND, "payment.order_not_found", "There is no such order."),
            E::OrderNotPayable => (
                StatusCode::CONFLICT,
                "payment.order_not_payable",
                "The order cannot be paid: it is not confirmed yet, it is over, or its time to pay is.",
            ),
            E::InProgress => (
                StatusCode::CONFLICT,
                "payment.in_progress",
                "The order is being paid. Ask for its payments to see how that ends.",
            ),
            E::AlreadyPaid => (StatusCode::CONFLICT, "payment.already_paid", "The order is paid."),
            E::TokenUnknown => {
                (StatusCode::UNPROCESSABLE_ENTITY, "payment.token_unknown", "The provider does not know this token.")
            }
            E::NotRefundable => (
                StatusCode::CONFLICT,
                "payment.not_refundable",
                "Nothing of this payment can go back: it is not captured, or all of it went or goes back.",
            ),
            E::RefundTooLarge => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "payment.refund_too_large",
                "That is more than is left of the payment.",
            ),
            E::CurrencyMismatch => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "payment.currency_mismatch",
                "A refund is in the currency of its payment.",
            ),
            E::ProviderUnknown => {
                (StatusCode::NOT_FOUND, "payment.provider_unknown", "The shop has no provider of this name.")
            }
            E::WebhookForged => {
                (StatusCode::BAD_REQUEST, "payment.webhook_signature_invalid", "The signature is not the provider's.")
            }
            E::WebhookUnreadable => {
                (StatusCode::BAD_REQUEST, "payment.webhook_unreadable", "The notice is not as documented.")
            }
            E::WebhookTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large", "No notice of a provider is that long.")
            }
            E::KeyReused => return Idempotency::reused(),
            E::Contended => return Self::unavailable("store", &error),
            E::Order(error) => return error.into(),
            E::Provider(error) => return Self::unavailable("provider", &error),
            E::Store(StoreError::Sql(error)) => return Self::store(&error),
            E::Store(StoreError::Conflict) => return Self::unavailable("store", &StoreError::Conflict),
            E::Event(error) => return Self::internal(&error),
            E::Stopped(error) => return Self::internal(&error),
        };
        Self::new(status, code, detail)
    }
}

impl IntoResponse for PaymentError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<PaymentError> for Failure {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Store(StoreError::Sql(error)) => error.into(),
            PaymentError::Store(StoreError::Conflict) | PaymentError::Contended => Self::Unavailable(error.to_string()),
            error => Self::Message(error.to_string()),
        }
    }
}

impl From<SqlError> for PaymentError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}
