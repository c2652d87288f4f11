//! `GET /orders`: a page of orders.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::Paged};
use souk_values::{Page, UserId};
use utoipa::IntoParams;

use crate::{app::App, error::OrderError, order::OrderStatus, store::OrderFilter, view::OrderView};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderListFilter {
    /// Returns only orders with this status; all when left out.
    #[param(inline)]
    status: Option<OrderStatus>,
    /// Returns only orders of this user. Admins may give any user, customers only themselves.
    #[param(inline)]
    user_id: Option<UserId>,
}

/// Lists the caller's orders, newest first; for an admin those of all users.
#[utoipa::path(get, path = "",
    params(Paged<OrderListFilter>),
    responses(
        (status = 200, body = Page<OrderView>, description = "A page of orders"),
        (status = 403, description = "`auth.forbidden`: only admins may list the orders of another user"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Paged(page, filter): Paged<OrderListFilter>,
) -> Result<Json<Page<OrderView>>, OrderError> {
    let user_id = match filter.user_id {
        requested if caller.is_admin => requested,
        Some(other) if other != caller.user_id => return Err(OrderError::OtherUsersOrders),
        _ => Some(caller.user_id),
    };
    let (orders, total) = app.store.list(OrderFilter { user_id, status: filter.status }, page).await?;
    Ok(Json(Page::new(orders, page, total).map(OrderView::from)))
}
