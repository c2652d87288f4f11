//! `DELETE /cart/items/{cartItemId}`

use axum::{Json, extract::State};
use souk_kit::{auth::Caller, extract::Path};

use crate::{app::App, cart::Act, error::CartError, view::CartView};

/// Takes an active or a bought item out of the cart.
#[utoipa::path(
    delete, path = "",
    params(("cartItemId" = String, Path, description = "Which item.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`cart.item_not_found`"),
        (status = 409, description = "`cart.item_ordered`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(cart_item_id): Path<String>,
) -> Result<Json<CartView>, CartError> {
    app.change(caller.user_id, Act::Remove { cart_item_id }).await.map(Json)
}
