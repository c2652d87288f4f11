//! `POST /orders/{orderId}/deliver`.

use axum::extract::State;
use souk_kit::{
    auth::Admin,
    extract::{NoFields, Path},
};
use souk_values::OrderId;

use super::request;
use crate::{
    App,
    error::OrderError,
    order::transition::Input,
    view::{OrderView, Shown},
};

/// Notes that a shipped order arrived.
#[utoipa::path(post, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "It is delivered"),
        (status = 400, description = "`body.malformed`, `body.invalid`: it takes no fields"),
        (status = 404, description = "`order.not_found`"),
        (status = 413, description = "`body.too_large`"),
        (status = 409, description = "`order.not_deliverable`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(order_id): Path<OrderId>,
    NoFields: NoFields,
) -> Result<Shown, OrderError> {
    request(&app, order_id, None, Input::Deliver).await
}
