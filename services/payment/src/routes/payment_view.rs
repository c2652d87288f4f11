//! A payment as callers see it.

use serde::Serialize;
use souk_values::{Money, OrderId, PaymentId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::payment::{FailureCode, Payment, Status};

/// One attempt to pay an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "paymentId": 246_290_604_621_824_i64, "orderId": 246_290_604_621_823_i64, "userId": 246_290_604_620_001_i64,
    "status": "succeeded", "paymentDate": "2026-01-31T12:00:00.000Z",
    "amount": {"amount": 1999, "currency": "EUR"}, "refundedAmount": {"amount": 0, "currency": "EUR"}
}))]
pub(crate) struct PaymentView {
    /// This attempt.
    payment_id: PaymentId,
    /// What is paid.
    order_id: OrderId,
    /// Who pays.
    user_id: UserId,
    /// `processing` until the provider's answer is known; `refunded` means in full.
    status: Status,
    /// When it was asked for.
    payment_date: Timestamp,
    /// The order's amount.
    amount: Money,
    /// What went back so far.
    refunded_amount: Money,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_code: Option<FailureCode>,
}

impl From<Payment> for PaymentView {
    fn from(payment: Payment) -> Self {
        Self {
            payment_id: payment.payment_id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            status: payment.status(),
            payment_date: payment.claimed_at,
            amount: payment.amount,
            refunded_amount: payment.refunded(),
            failure_code: payment.failure(),
        }
    }
}
