//! `GET /payments`.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::Paged};
use souk_values::{OrderId, Page};
use utoipa::IntoParams;

use super::payment_view::PaymentView;
use crate::{app::App, error::PaymentError, store::Filter};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListPayments {
    /// Lists only the attempts to pay this order.
    #[param(value_type = Option<OrderId>)]
    order_id: Option<OrderId>,
}

/// Lists the caller's payments, newest first; an admin sees those of all customers.
#[utoipa::path(
    get,
    path = "",
    params(Paged<ListPayments>),
    responses((status = 200, body = Page<PaymentView>, description = "A page of payments"))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Paged(page, ListPayments { order_id }): Paged<ListPayments>,
) -> Result<Json<Page<PaymentView>>, PaymentError> {
    let user_id = (!caller.is_admin).then_some(caller.user_id);
    let payments = app.store.list(Filter { user_id, order_id }, page).await?;
    Ok(Json(payments.map(PaymentView::from)))
}
