//! `GET /cart/purchases`: lists all products that the caller bought.

use axum::{Json, extract::State};
use souk_kit::{
    auth::Caller,
    extract::{NoFilter, Paged},
};
use souk_values::Page;

use crate::{app::App, error::CartError, view::CartItemView};

/// Lists all products that the caller bought, the latest first: the list to buy again from.
#[utoipa::path(
    get, path = "", params(Paged<NoFilter>),
    responses((status = 200, body = Page<CartItemView>, description = "A page of purchased items."))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Paged(request, NoFilter {}): Paged<NoFilter>,
) -> Result<Json<Page<CartItemView>>, CartError> {
    app.show_purchases(caller.user_id, request).await.map(Json)
}
