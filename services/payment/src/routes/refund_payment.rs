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
    payment::{AskedBy, RequestKey},
    refunding::{self, Asked},
};

/// How much goes back.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": 500, "currency": "EUR"}}))]
pub struct RefundPayment {
    /// At least one minor unit; all that is left when missing.
    #[serde(default)]
    #[garde(custom(is_something))]
    amount: Option<Money>,
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "as the validator calls it")]
fn is_something(amount: &Option<Money>, (): &()) -> garde::Result {
    match amount {
        Some(amount) if amount.minor <= 0 => Err(garde::Error::new("a refund is at least one minor unit")),
        Some(_) | None => Ok(()),
    }
}

/// Returns money to the customer.
///
/// The refund is on record before the provider is asked. `refundedAmount` grows once the provider has
/// returned it: usually at once, after a lost answer within half a minute.
#[utoipa::path(
    post,
    path = "",
    params(
        ("paymentId" = PaymentId, Path, description = "Which payment"),
        ("Idempotency-Key" = String, Header, description = "A text of your own, new for each refund"),
    ),
    request_body = RefundPayment,
    responses(
        (status = 200, body = PaymentView, description = "The payment as it then is"),
        (status = 400, description = "`idempotency_key.required`, `idempotency_key.invalid`, `path.invalid`"),
        (status = 404, description = "`payment.not_found`"),
        (status = 409, description = "`payment.not_refundable`: nothing is captured, or all of it goes or went back"),
        (status = 422, description = "`payment.refund_too_large`, `payment.currency_mismatch`, `idempotency_key.reused`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    admin: Admin,
    Path(payment_id): Path<PaymentId>,
    KeyedJson(key, RefundPayment { amount }): KeyedJson<RefundPayment>,
) -> Result<Json<PaymentView>, PaymentError> {
    let asked = AskedBy { admin: admin.user_id, key: RequestKey::from(key) };
    let due = match refunding::ask(&app, payment_id, amount, &asked).await? {
        Asked::Before(payment) => return Ok(Json(payment.into())),
        Asked::New(due) => due,
    };
    refunding::send_now(&app, due).await;
    let account = app.store.account(due.order_id).await?.ok_or(PaymentError::NotFound)?;
    let payment = account.payment(payment_id).cloned().ok_or(PaymentError::NotFound)?;
    Ok(Json(payment.into()))
}
