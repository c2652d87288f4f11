//! Refusals and failures of payment: HTTP status and stable code in one place.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_bus::Failure;
use souk_events::EventError;
use souk_kit::{CallError, Problem, extract::Idempotency};
use souk_sql::SqlError;

use crate::{provider::ProviderError, provider_account::ProviderAccount, store::StoreError};

/// A request or an event that was refused or failed. The text of a refusal is the `detail` of its problem.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Unknown, or of another customer.
    #[error("There is no such payment.")]
    NotFound,
    /// Unknown, or of another customer.
    #[error("There is no such order.")]
    OrderNotFound,
    #[error("The order cannot be paid any more: it was cancelled, or its payment deadline has passed.")]
    OrderNotPayable,
    #[error("The order cannot be paid yet: it is not confirmed. That takes a moment; then pay it.")]
    OrderNotConfirmed,
    #[error("Another attempt to pay this order is in progress. Get the order's payments to see its outcome.")]
    InProgress,
    /// The order's amount is captured, refunded later or not.
    #[error("The order is already paid.")]
    AlreadyPaid,
    #[error("The payment provider does not know this token. Request a new one from the provider.")]
    TokenUnknown,
    #[error("Nothing of this payment can be refunded: it is not captured, or all of it is refunded or being refunded.")]
    NotRefundable,
    #[error("The amount exceeds what is left of the payment after its other refunds.")]
    RefundTooLarge,
    #[error("The refund must be in the currency of its payment.")]
    CurrencyMismatch,
    /// The idempotency key was used before with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    #[error("The shop does not use a payment provider of this name.")]
    ProviderUnknown,
    #[error("The signature is missing, too old, or not the provider's.")]
    WebhookSignatureInvalid,
    #[error("The body is not in the form that the provider documents.")]
    WebhookUnreadable,
    #[error("The body is larger than any webhook of a provider.")]
    WebhookTooLarge,
    /// The account that took the payment is not in the configuration.
    #[error("{0} took this payment and is not configured now. Configure that account again, then repeat the request.")]
    ProviderNotConfigured(ProviderAccount),
    /// Every attempt to save conflicted with another change of the same order.
    #[error("other requests keep changing the payments of this order")]
    Contended,
    /// Order is unavailable, and payment has no copy of the order, or one that may be outdated.
    #[error(transparent)]
    Order(#[from] CallError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Event(#[from] EventError),
    /// The task of the request panicked. What it had begun is settled.
    #[error("the task of the request panicked: {0}")]
    Panicked(#[from] tokio::task::JoinError),
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        use PaymentError as E;
        let detail = error.to_string();
        let (status, code) = match error {
            E::NotFound => (StatusCode::NOT_FOUND, "payment.not_found"),
            E::OrderNotFound => (StatusCode::NOT_FOUND, "payment.order_not_found"),
            E::OrderNotPayable | E::OrderNotConfirmed => (StatusCode::CONFLICT, "payment.order_not_payable"),
            E::InProgress => (StatusCode::CONFLICT, "payment.in_progress"),
            E::AlreadyPaid => (StatusCode::CONFLICT, "payment.already_paid"),
            E::TokenUnknown => (StatusCode::UNPROCESSABLE_ENTITY, "payment.token_unknown"),
            E::NotRefundable => (StatusCode::CONFLICT, "payment.not_refundable"),
            E::RefundTooLarge => (StatusCode::UNPROCESSABLE_ENTITY, "payment.refund_too_large"),
            E::CurrencyMismatch => (StatusCode::UNPROCESSABLE_ENTITY, "payment.currency_mismatch"),
            E::ProviderNotConfigured(_) => (StatusCode::CONFLICT, "payment.provider_not_configured"),
            E::ProviderUnknown => (StatusCode::NOT_FOUND, "payment.provider_unknown"),
            E::WebhookSignatureInvalid => (StatusCode::BAD_REQUEST, "payment.webhook_signature_invalid"),
            E::WebhookUnreadable => (StatusCode::BAD_REQUEST, "payment.webhook_unreadable"),
            E::WebhookTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large"),
            E::KeyReused => return Idempotency::reused(),
            E::Contended => return Self::unavailable("store", &error),
            E::Order(error) => return error.into(),
            E::Provider(error) => return Self::unavailable("provider", &error),
            E::Store(StoreError::Sql(error)) => return Self::store(&error),
            E::Store(StoreError::Conflict) => return Self::unavailable("store", &StoreError::Conflict),
            E::Event(error) => return Self::internal(&error),
            E::Panicked(error) => return Self::internal(&error),
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
            error => Self::Handling(error.to_string()),
        }
    }
}

impl From<SqlError> for PaymentError {
    fn from(error: SqlError) -> Self {
        Self::Store(error.into())
    }
}
