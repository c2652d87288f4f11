//! `GET /orders/{orderId}/timeline`: all steps of an order.

use axum::{Json, extract::State};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::{OrderId, Page};

use super::visible_order;
use crate::{app::App, error::OrderError, view::TimelineEntry};

/// Returns all steps of an order in one page, oldest first.
#[utoipa::path(get, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = Page<TimelineEntry>, description = "All steps, oldest first"),
        (status = 404, description = "`order.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Page<TimelineEntry>>, OrderError> {
    visible_order(&app, &caller, order_id).await?;
    let steps = app.store.steps(order_id, 0).await?;
    Ok(Json(Page::whole(steps).map(TimelineEntry::from)))
}
