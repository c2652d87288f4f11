//! `DELETE /cart`

use axum::{Json, extract::State};
use souk_kit::auth::Caller;

use crate::{app::App, cart::Act, error::CartError, view::CartView};

/// Takes all active items out of the cart; ordered and bought ones stay.
#[utoipa::path(delete, path = "", responses((status = 200, body = CartView, description = "The whole cart.")))]
pub async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<CartView>, CartError> {
    app.change(caller.user_id, Act::Clear).await.map(Json)
}
