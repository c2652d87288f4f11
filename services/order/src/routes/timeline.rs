//! `GET /orders/{orderId}/timeline`.

use axum::{Json, extract::State};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::{OrderId, Page};

use super::visible;
use crate::{App, error::OrderError, view::TimelineEntry};

/// Every step of an order, the first first, in one page.
#[utoipa::path(get, path = "", params(("orderId" = OrderId, Path)),
    responses(
        (status = 200, body = Page<TimelineEntry>, description = "The steps"),
        (status = 404, description = "`order.not_found`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Page<TimelineEntry>>, OrderError> {
    visible(&app, &caller, order_id).await?;
    let steps = app.store.steps(order_id, 0).await?;
    let count = steps.len();
    let items = steps.into_iter().map(TimelineEntry::from).collect();
    let (size, total) = (u32::try_from(count).unwrap_or(u32::MAX), u64::try_from(count).unwrap_or(u64::MAX));
    Ok(Json(Page { items, page: 0, size, total }))
}
