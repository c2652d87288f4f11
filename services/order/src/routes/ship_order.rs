//! `POST /orders/{orderId}/ship`: handing an order to a carrier.

use axum::extract::State;
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{Path, ValidJson},
    text::Line,
};
use souk_values::OrderId;
use utoipa::ToSchema;

use super::apply;
use crate::{
    app::App,
    error::OrderError,
    order::transition::Input,
    view::{OrderResponse, OrderView},
};

/// Carrier and tracking number of a shipment.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"carrier": "DHL", "trackingNumber": "00340434292135100186"}))]
pub(crate) struct Shipment {
    /// Name of the carrier, such as `DHL`.
    #[garde(dive)]
    #[schema(inline)]
    carrier: Line<100>,
    /// Tracking number assigned by the carrier.
    #[garde(dive)]
    #[schema(inline)]
    tracking_number: Line<100>,
}

/// Marks an order as shipped: a paid one, or a confirmed one that is paid on delivery.
#[utoipa::path(post, path = "", params(("orderId" = OrderId, Path)), request_body = Shipment,
    responses(
        (status = 200, body = OrderView, description = "The shipped order"),
        (status = 404, description = "`order.not_found`"),
        (status = 409, description = "`order.not_shippable`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(order_id): Path<OrderId>,
    ValidJson(Shipment { carrier, tracking_number }): ValidJson<Shipment>,
) -> Result<OrderResponse, OrderError> {
    let input = Input::Ship { carrier: carrier.into(), tracking_number: tracking_number.into() };
    apply(&app, order_id, None, input).await
}
