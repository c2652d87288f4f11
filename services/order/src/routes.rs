//! The order service's URL table.

mod cancel_order;
mod deliver_order;
mod list_orders;
mod place_order;
mod ship_order;
mod show_audit;
mod show_order;
mod show_order_snapshot;
mod show_timeline;
mod stream_order;
mod summarize_orders;

use souk_kit::{auth::Customer, routes::Routes};
use souk_values::{OrderId, UserId};

use crate::{
    app::App,
    error::OrderError,
    order::{
        Order,
        transition::{Input, Refusal},
    },
    store::{ActOutcome, OrderAct},
    view::OrderResponse,
};

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        POST "/orders"                    token place_order;
        GET  "/orders"                    token list_orders;
        GET  "/orders/summary"            token summarize_orders;
        GET  "/orders/audit"              token show_audit;
        GET  "/orders/{orderId}"          token show_order;
        GET  "/orders/{orderId}/timeline" token show_timeline;
        GET  "/orders/{orderId}/stream"   token stream_order;
        POST "/orders/{orderId}/cancel"   token cancel_order;
        POST "/orders/{orderId}/ship"     token ship_order;
        POST "/orders/{orderId}/deliver"  token deliver_order;
        GET  "/internal/orders/{orderId}" token show_order_snapshot;
    }
}

/// Returns the order if `caller` may see it: their own, or any for an admin.
async fn visible_order(app: &App, caller: &Customer, order_id: OrderId) -> Result<Order, OrderError> {
    let order = app.store.order(order_id).await?;
    // Another customer's order is reported as missing, so that a caller cannot find out which ids exist.
    order.filter(|order| caller.is_admin || order.user_id == caller.user_id).ok_or(OrderError::NotFound(order_id))
}

/// Applies a request to the order; `owner` must own it, if given.
async fn apply(app: &App, order_id: OrderId, owner: Option<UserId>, input: Input) -> Result<OrderResponse, OrderError> {
    let act = OrderAct { order_id, owner, input, cause: app.request_cause(), inbox: None };
    match app.apply(act).await? {
        ActOutcome::Applied(change) => Ok(OrderResponse(change.order)),
        ActOutcome::NotFound => Err(OrderError::NotFound(order_id)),
        ActOutcome::Refused(refusal, status) => Err(OrderError::refused(refusal, status)),
        ActOutcome::Repeated => Err(OrderError::Defect(format!("{:?} by a new cause", Refusal::NothingToDo))),
    }
}
