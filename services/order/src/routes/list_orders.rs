//! `GET /orders`: a page of orders.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Customer,
    extract::{Paged, search_terms},
};
use souk_values::{BusinessDay, Id, OrderId, Page, UserId};
use utoipa::IntoParams;

use crate::{
    app::App,
    error::OrderError,
    order::OrderStatus,
    recipient,
    store::{OrderFilter, OrderSearch},
    view::OrderView,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrderListFilter {
    /// Number of an order, the whole e-mail address of the account that placed it, or beginnings of words of the
    /// recipient's name, all of which must occur; at most 200 characters, regardless of case and accents. For admins.
    #[serde(default)]
    #[param(required = false, example = "ada byr")]
    q: String,
    /// Returns only orders with this status; all when left out.
    #[param(inline)]
    status: Option<OrderStatus>,
    /// Returns only orders of this user. Admins may give any user, customers only themselves.
    #[param(inline)]
    user_id: Option<UserId>,
    /// First day on which the orders were placed, in the shop's time zone.
    #[param(inline)]
    from: Option<BusinessDay>,
    /// Last day on which the orders were placed, in the shop's time zone.
    #[param(inline)]
    to: Option<BusinessDay>,
}

/// Lists the caller's orders, newest first; for an admin those of all users.
#[utoipa::path(get, path = "",
    params(Paged<OrderListFilter>),
    responses(
        (status = 200, body = Page<OrderView>, description = "A page of orders"),
        (status = 400, description = "`query.invalid`"),
        (status = 403, description = "`auth.forbidden`: only admins may search, or list the orders of another user"),
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
    if !filter.q.is_empty() && !caller.is_admin {
        return Err(OrderError::OtherUsersOrders);
    }
    let filter = OrderFilter {
        search: search(&app, &filter.q).await?,
        user_id,
        status: filter.status,
        from: filter.from.map(|day| app.calendar.start(day)),
        before: filter.to.map(|day| app.calendar.bounds(day).end),
    };
    Ok(Json(app.store.list(filter, page).await?.map(OrderView::from)))
}

/// Returns what `q` searches for; `None` for an empty one. Errors: auth, which knows the addresses, cannot be reached.
async fn search(app: &App, q: &str) -> Result<Option<OrderSearch>, OrderError> {
    let terms = search_terms(q).map_err(OrderError::Query)?;
    if terms.is_empty() {
        return Ok(None);
    }
    if terms.bytes().all(|letter| letter.is_ascii_digit()) {
        let number = terms.parse().ok().and_then(|number: i64| OrderId::new(number).ok());
        return Ok(Some(number.map_or(OrderSearch::Nothing, OrderSearch::Number)));
    }
    if terms.contains('@') {
        let user = app.users.user_with_email(&terms).await?;
        return Ok(Some(user.map_or(OrderSearch::Nothing, OrderSearch::Owner)));
    }
    let words = recipient::words(&terms);
    Ok(Some(if words.is_empty() { OrderSearch::Nothing } else { OrderSearch::Recipient(words) }))
}
