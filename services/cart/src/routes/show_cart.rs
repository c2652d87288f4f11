//! `GET /cart`: shows the caller's cart.

use axum::{Json, extract::State};
use souk_kit::auth::Caller;

use crate::{app::App, error::CartError, view::CartView};

/// Shows the caller's cart: active and ordered items, and the latest of the purchased ones.
#[utoipa::path(get, path = "", responses((status = 200, body = CartView, description = "The whole cart.")))]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<CartView>, CartError> {
    let cart = app.store.cart(caller.user_id).await?;
    app.show(&cart).await.map(Json)
}
