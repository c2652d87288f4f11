//! `GET /orders/{orderId}`.

use axum::extract::State;
use souk_kit::{auth::Customer, extract::Path};
use souk_values::OrderId;

use super::visible;
use crate::{
    App,
    error::OrderError,
    view::{OrderView, Shown},
};

/// One order: the caller's own, or any for an admin.
#[utoipa::path(get, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "The order as it is now",
            headers(("ETag" = String, description = "Its version"))),
        (status = 404, description = "`order.not_found`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
) -> Result<Shown, OrderError> {
    visible(&app, &caller, order_id).await.map(Shown)
}
