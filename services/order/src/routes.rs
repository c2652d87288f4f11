//! The order service's URL table.

mod cancel_order;
mod deliver_order;
mod list_orders;
mod place_order;
mod ship_order;
mod show_order;
mod stream_order;
mod summarise_orders;
mod tell_peer;
mod timeline;

use souk_kit::{auth::Customer, routes::Routes};
use souk_values::OrderId;

use crate::{
    App,
    error::OrderError,
    order::{
        Order,
        transition::{Input, Refusal},
    },
    store::Changed,
    view::Shown,
};

/// Every route.
pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        POST "/orders"                    token place_order;
        GET  "/orders"                    token list_orders;
        GET  "/orders/summary"            token summarise_orders;
        GET  "/orders/{orderId}"          token show_order;
        GET  "/orders/{orderId}/timeline" token timeline;
        GET  "/orders/{orderId}/stream"   token stream_order;
        POST "/orders/{orderId}/cancel"   token cancel_order;
        POST "/orders/{orderId}/ship"     token ship_order;
        POST "/orders/{orderId}/deliver"  token deliver_order;
        GET  "/internal/orders/{orderId}" token tell_peer;
    }
}

/// The order, if `caller` may see it: the own, or any for an admin.
async fn visible(app: &App, caller: &Customer, order_id: OrderId) -> Result<Order, OrderError> {
    let order = app.store.order(order_id).await?;
    order.filter(|order| caller.is_admin || order.user_id == caller.user_id).ok_or(OrderError::NotFound(order_id))
}

/// Gives a request to the order; `owner` is who alone may make it, if not everyone.
async fn request(
    app: &App,
    order_id: OrderId,
    owner: Option<souk_values::UserId>,
    input: Input,
) -> Result<Shown, OrderError> {
    match app.act(order_id, owner, (input, app.request()), None).await? {
        Changed::Applied(change) => Ok(Shown(change.order)),
        Changed::NotFound => Err(OrderError::NotFound(order_id)),
        Changed::Refused(refusal, status) => Err(OrderError::refused(refusal, status)),
        Changed::Repeated => Err(OrderError::Defect(format!("{:?} by a new cause", Refusal::NothingToDo))),
    }
}
