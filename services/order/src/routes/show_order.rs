//! `GET /orders/{orderId}`: one order with its `ETag`.

use axum::extract::State;
use souk_kit::{auth::Customer, extract::Path};
use souk_values::OrderId;

use super::visible_order;
use crate::{
    app::App,
    error::OrderError,
    view::{OrderResponse, OrderView},
};

/// Returns one order: the caller's own, or any for an admin.
#[utoipa::path(get, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "The current order",
            headers(("ETag" = String, description = "Version of the order"))),
        (status = 404, description = "`order.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
) -> Result<OrderResponse, OrderError> {
    visible_order(&app, &caller, order_id).await.map(OrderResponse)
}
