//! `GET /payments`.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::Customer,
    extract::{Paging, Query},
};
use souk_values::{OrderId, Page};
use utoipa::IntoParams;

use super::payment_view::PaymentView;
use crate::{app::App, error::PaymentError, store::Filter};

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListPayments {
    /// Only the attempts to pay this order.
    #[param(value_type = Option<OrderId>)]
    order_id: Option<OrderId>,
    /// Which page, from 0.
    #[expect(dead_code, reason = "read by Paging; named here so that it is known and documented")]
    page: Option<u32>,
    /// Rows on a page, 1 to 100; 20.
    #[expect(dead_code, reason = "read by Paging; named here so that it is known and documented")]
    size: Option<u32>,
}

/// Lists one's own payments, newest first; an admin sees all.
#[utoipa::path(
    get,
    path = "",
    params(ListPayments),
    responses((status = 200, body = Page<PaymentView>, description = "A page of payments"))
)]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Paging(page): Paging,
    Query(query): Query<ListPayments>,
) -> Result<Json<Page<PaymentView>>, PaymentError> {
    let user_id = (!caller.is_admin).then_some(caller.user_id);
    let payments = app.store.list(Filter { user_id, order_id: query.order_id }, page).await?;
    Ok(Json(payments.map(PaymentView::from)))
}
