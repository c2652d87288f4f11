//! `GET /cart`

use axum::{Json, extract::State};
use souk_kit::auth::Caller;

use crate::{app::App, error::CartError, view::CartView};

/// Shows the caller's cart: what is to be ordered, what was ordered, what was bought.
#[utoipa::path(get, path = "", responses((status = 200, body = CartView, description = "The whole cart.")))]
pub async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<CartView>, CartError> {
    let cart = app.store.cart(caller.user_id).await?;
    app.show(&cart).await.map(Json)
}
