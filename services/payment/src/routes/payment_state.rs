//! `GET /internal/payments/state`.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::PeerService, extract::Query};
use souk_peers::payment::PaymentState;
use souk_values::OrderId;
use utoipa::IntoParams;

use crate::{app::App, error::PaymentError, payment::Outcome};

/// Of which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StateOf {
    /// The order.
    #[param(value_type = OrderId)]
    order_id: OrderId,
}

/// Tells the shop's services how far the money of an order is.
#[utoipa::path(
    get,
    path = "",
    params(StateOf),
    responses((
        status = 200,
        body = serde_json::Value,
        description = "`{captured?, processing, refunded?}`: the capture as its event tells it, whether an attempt \
            is under way, and what went back; of an unknown order, nothing is",
        example = json!({"processing": false})
    ))
)]
pub async fn handle(
    State(app): State<App>,
    _: PeerService,
    Query(StateOf { order_id }): Query<StateOf>,
) -> Result<Json<PaymentState>, PaymentError> {
    let Some(account) = app.store.account(order_id).await? else {
        return Ok(Json(PaymentState { captured: None, processing: false, refunded: None }));
    };
    let (captured, refunded) = account.capture().unzip();
    let processing = account.payments.iter().any(|payment| payment.outcome == Outcome::Pending);
    Ok(Json(PaymentState { captured, processing, refunded }))
}
