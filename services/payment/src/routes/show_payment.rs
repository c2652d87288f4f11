//! `GET /payments/{paymentId}`.

use axum::{Json, extract::State};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::PaymentId;

use super::payment_view::PaymentView;
use crate::{app::App, error::PaymentError};

/// Shows a payment of the caller; an admin sees those of all customers.
#[utoipa::path(
    get,
    path = "",
    params(("paymentId" = PaymentId, Path, description = "Id of the payment to show")),
    responses(
        (status = 200, body = PaymentView, description = "The payment in its current state"),
        (status = 404, description = "`payment.not_found`: unknown, or of another customer"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(payment_id): Path<PaymentId>,
) -> Result<Json<PaymentView>, PaymentError> {
    let order = app.store.order_of(payment_id).await?.ok_or(PaymentError::NotFound)?;
    let order_payments = app.store.order_payments(order).await?.ok_or(PaymentError::NotFound)?;
    let payment = order_payments.payment(payment_id).ok_or(PaymentError::NotFound)?;
    if caller.is_admin || payment.user_id == caller.user_id {
        Ok(Json(payment.clone().into()))
    } else {
        Err(PaymentError::NotFound)
    }
}
