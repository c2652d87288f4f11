//! `POST /orders/{orderId}/deliver`: the last milestone.

use axum::extract::State;
use souk_kit::{
    auth::Admin,
    extract::{NoFields, Path},
};
use souk_values::OrderId;

use super::apply;
use crate::{
    app::App,
    error::OrderError,
    order::transition::Input,
    view::{OrderResponse, OrderView},
};

/// Marks a shipped order as delivered.
#[utoipa::path(post, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "The delivered order"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has no fields"),
        (status = 404, description = "`order.not_found`"),
        (status = 413, description = "`body.too_large`"),
        (status = 409, description = "`order.not_deliverable`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(order_id): Path<OrderId>,
    NoFields: NoFields,
) -> Result<OrderResponse, OrderError> {
    apply(&app, order_id, None, Input::Deliver).await
}
