//! `POST /orders/{orderId}/cancel`: cancelling by customer or admin.

use axum::extract::State;
use souk_kit::{
    auth::Customer,
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

/// Cancels an order that is not shipped yet.
///
/// Its customer may do so while it is `created` or `confirmed`, an admin also once it is `paid`, but no one
/// once it is shipped. The stock is released, and captured money is refunded.
#[utoipa::path(post, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "The cancelled order"),
        (status = 400, description = "`body.malformed`, `body.invalid`: the body has no fields"),
        (status = 404, description = "`order.not_found`"),
        (status = 413, description = "`body.too_large`"),
        (status = 409, description = "`order.not_cancellable`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
    NoFields: NoFields,
) -> Result<OrderResponse, OrderError> {
    if caller.is_admin {
        apply(&app, order_id, None, Input::CancelByAdmin).await
    } else {
        apply(&app, order_id, Some(caller.user_id), Input::CancelByCustomer).await
    }
}
