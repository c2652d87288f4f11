//! `GET /payments/{paymentId}`.

use axum::{Json, extract::State};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::PaymentId;

use super::payment_view::PaymentView;
use crate::{app::App, error::PaymentError};

/// Shows a payment of one's own; an admin sees all.
#[utoipa::path(
    get,
    path = "",
    params(("paymentId" = PaymentId, Path, description = "Which payment")),
    responses(
        (status = 200, body = PaymentView, description = "The payment as it is"),
        (status = 404, description = "`payment.not_found`: unknown, or another's"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(payment_id): Path<PaymentId>,
) -> Result<Json<PaymentView>, PaymentError> {
    let order = app.store.order_of(payment_id).await?.ok_or(PaymentError::NotFound)?;
    let account = app.store.account(order).await?.ok_or(PaymentError::NotFound)?;
    let payment = account.payment(payment_id).ok_or(PaymentError::NotFound)?;
    if caller.is_admin || payment.user_id == caller.user_id {
        Ok(Json(payment.clone().into()))
    } else {
        Err(PaymentError::NotFound)
    }
}
