//! `DELETE /cart`: removes the active items.

use axum::{Json, extract::State};
use souk_kit::auth::Caller;

use crate::{app::App, cart::CartCommand, error::CartError, view::CartView};

/// Removes all active items from the cart; ordered and purchased ones stay.
#[utoipa::path(delete, path = "", responses((status = 200, body = CartView, description = "The whole cart.")))]
pub(crate) async fn handle(State(app): State<App>, caller: Caller) -> Result<Json<CartView>, CartError> {
    app.change(caller.user_id, CartCommand::Clear).await.map(Json)
}
