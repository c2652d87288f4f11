//! `DELETE /cart/items/{cartItemId}`: removes an item.

use axum::{Json, extract::State};
use souk_kit::{auth::Caller, extract::Path};

use crate::{app::App, cart::CartCommand, error::CartError, view::CartView};

/// Removes an active or purchased item from the cart.
#[utoipa::path(
    delete, path = "",
    params(("cartItemId" = String, Path, description = "Id of an item in the caller's cart.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`cart.item_not_found`"),
        (status = 409, description = "`cart.item_ordered`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(cart_item_id): Path<String>,
) -> Result<Json<CartView>, CartError> {
    app.change(caller.user_id, CartCommand::Remove { cart_item_id }).await.map(Json)
}
