//! `GET /internal/payments/state`.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::PeerService, extract::Query};
use souk_peers::payment::PaymentState;
use souk_values::OrderId;
use utoipa::IntoParams;

use crate::{app::App, error::PaymentError, payment::Outcome};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PaymentStateQuery {
    /// Id of the order whose payments are summarised.
    #[param(value_type = OrderId)]
    order_id: OrderId,
}

/// Returns the state of an order's payments, for other services of the shop.
#[utoipa::path(
    get,
    path = "",
    params(PaymentStateQuery),
    responses((
        status = 200,
        body = serde_json::Value,
        description = "`{captured?, processing, refunded?, fullRefund?}`: the capture, as `payment.succeeded.v1` carries \
            it; true while the outcome of an attempt is not known; the amount refunded of the capture; the id of the \
            latest refund once all of it is refunded. An unknown order has neither capture nor attempt",
        example = json!({"processing": false})
    ))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    Query(PaymentStateQuery { order_id }): Query<PaymentStateQuery>,
) -> Result<Json<PaymentState>, PaymentError> {
    let Some(order_payments) = app.store.order_payments(order_id).await? else {
        return Ok(Json(PaymentState { captured: None, processing: false, refunded: None, full_refund: None }));
    };
    let full_refund = order_payments.full_refund();
    let (captured, refunded) = order_payments.capture().unzip();
    let processing = order_payments.payments.iter().any(|payment| payment.outcome == Outcome::Pending);
    Ok(Json(PaymentState { captured, processing, refunded, full_refund }))
}
