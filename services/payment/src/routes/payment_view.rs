//! A payment as the API shows it.

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
    /// Id of this attempt; a new attempt has a new id.
    payment_id: PaymentId,
    /// Id of the order that is paid.
    order_id: OrderId,
    /// Id of the customer who pays.
    user_id: UserId,
    /// `processing` until the provider's outcome is known, then `succeeded` or `failed`; `refunded` after a refund in
    /// full.
    status: Status,
    /// Time of the request to pay, RFC 3339 in UTC.
    payment_date: Timestamp,
    /// Amount of the order, in minor units of its currency.
    amount: Money,
    /// Amount returned to the customer so far; zero without refunds.
    refunded_amount: Money,
    /// Reason of a failed payment; absent unless `status` is `failed`.
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
            refunded_amount: payment.refunded_amount(),
            failure_code: payment.failure_code(),
        }
    }
}
