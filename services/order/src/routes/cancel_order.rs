//! `POST /orders/{orderId}/cancel`.

use axum::extract::State;
use souk_kit::{
    auth::Customer,
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

/// Cancels an order: its customer while it is `created` or `confirmed`, an admin also once it is paid.
///
/// Nothing that was shipped can be cancelled. Stock goes back, and so does money that was captured.
#[utoipa::path(post, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = OrderView, description = "It is cancelled"),
        (status = 400, description = "`body.malformed`, `body.invalid`: it takes no fields"),
        (status = 404, description = "`order.not_found`"),
        (status = 413, description = "`body.too_large`"),
        (status = 409, description = "`order.not_cancellable`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
    NoFields: NoFields,
) -> Result<Shown, OrderError> {
    if caller.is_admin {
        request(&app, order_id, None, Input::CancelByAdmin).await
    } else {
        request(&app, order_id, Some(caller.user_id), Input::CancelByCustomer).await
    }
}
