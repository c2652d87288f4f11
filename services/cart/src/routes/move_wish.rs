//! `POST /wishlist/{productId}/move-to-cart`

use axum::{Json, extract::State};
use souk_kit::{
    auth::Customer,
    extract::{NoFields, Path},
};
use souk_values::ProductId;

use crate::{app::App, cart::Act, error::CartError, view::CartView};

/// Takes a product off the wishlist and adds one of it to the cart, both or neither.
#[utoipa::path(
    post, path = "",
    params(("productId" = ProductId, Path, description = "Which product.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`wishlist.item_not_found`"),
        (status = 422, description = "`cart.product_unknown`, `cart.quantity_too_large`, `cart.too_many_items`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(product): Path<ProductId>,
    _: NoFields,
) -> Result<Json<CartView>, CartError> {
    let product = app.catalogue.sold(product).await?;
    app.change(caller.user_id, Act::AddWished(app.new_item(&product, 1))).await.map(Json)
}
