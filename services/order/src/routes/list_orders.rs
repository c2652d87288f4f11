//! `GET /orders`.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Customer,
    extract::{Paging, Query},
};
use souk_values::{Page, UserId};
use utoipa::IntoParams;

use crate::{App, error::OrderError, order::Status, store::Filter, view::OrderView};

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only with this status.
    #[param(inline)]
    status: Option<Status>,
    /// Only of this user; for admins.
    #[param(inline)]
    user_id: Option<UserId>,
}

/// The caller's orders, the latest first; an admin sees everybody's.
#[utoipa::path(get, path = "",
    params(
        ListQuery,
        ("page" = Option<u32>, Query, description = "From 0"),
        ("size" = Option<u32>, Query, description = "1 to 100, 20"),
    ),
    responses(
        (status = 200, body = Page<OrderView>, description = "A page of orders"),
        (status = 403, description = "`auth.forbidden`: another's `userId`, and no admin"),
    ))]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Paging(page): Paging,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OrderView>>, OrderError> {
    let user_id = match query.user_id {
        wanted if caller.is_admin => wanted,
        Some(other) if other != caller.user_id => return Err(OrderError::OthersOrders),
        _ => Some(caller.user_id),
    };
    let (orders, total) = app.store.list(Filter { user_id, status: query.status }, page).await?;
    Ok(Json(Page::new(orders, page, total).map(OrderView::from)))
}
