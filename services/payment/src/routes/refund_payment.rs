//! `POST /payments/{paymentId}/refund`.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{KeyedJson, Path},
};
use souk_values::{Money, PaymentId};
use utoipa::ToSchema;

use super::payment_view::PaymentView;
use crate::{
    app::App,
    error::PaymentError,
    payment::{RefundRequest, RequestKey},
    refunding::{self, Requested},
};

/// Amount of the refund.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": 500, "currency": "EUR"}}))]
pub(crate) struct RefundPayment {
    /// Amount to return, at least one minor unit, in the currency of the payment; everything that is left when absent.
    #[serde(default)]
    #[garde(custom(is_positive))]
    amount: Option<Money>,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "as the validator calls it")]
fn is_positive(amount: &Option<Money>, (): &()) -> garde::Result {
    match amount {
        Some(amount) if amount.minor <= 0 => Err(garde::Error::new("a refund is at least one minor unit")),
        Some(_) | None => Ok(()),
    }
}

/// Refunds a payment, in part or in full.
///
/// The refund is on record before the provider is called. `refundedAmount` grows once the provider has returned the
/// money: usually before the response, after a lost response within half a minute.
#[utoipa::path(
    post,
    path = "",
    params(
        ("paymentId" = PaymentId, Path, description = "Id of the payment to refund"),
        ("Idempotency-Key" = String, Header, description = "Text of your own, new for each refund, such as a UUID"),
    ),
    request_body = RefundPayment,
    responses(
        (status = 200, body = PaymentView, description = "The payment after the refund"),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`, `path.invalid`"),
        (status = 404, description = "`payment.not_found`"),
        (status = 409, description = "`payment.not_refundable`: nothing is captured, or all of it is already refunded \
            or being refunded; `payment.provider_not_configured`: the account that took the payment is not in the \
            configuration now"),
        (status = 422, description = "`payment.refund_too_large`, `payment.currency_mismatch`, `idempotency_key.reused`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Admin,
    Path(payment_id): Path<PaymentId>,
    KeyedJson(key, RefundPayment { amount }): KeyedJson<RefundPayment>,
) -> Result<Json<PaymentView>, PaymentError> {
    let request = RefundRequest { admin: admin.user_id, key: RequestKey::from(key) };
    let due = match refunding::request(&app, payment_id, amount, &request).await? {
        Requested::Replayed(payment) => return Ok(Json(payment.into())),
        Requested::New(due) => due,
    };
    let order_id = due.order_id;
    refunding::send_and_wait(&app, due).await;
    let order_payments = app.store.order_payments(order_id).await?.ok_or(PaymentError::NotFound)?;
    let payment = order_payments.payment(payment_id).cloned().ok_or(PaymentError::NotFound)?;
    Ok(Json(payment.into()))
}
