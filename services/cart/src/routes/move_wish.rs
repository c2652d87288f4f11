//! `POST /wishlist/{productId}/move-to-cart`: moves a product to the cart.

use axum::{Json, extract::State};
use souk_kit::{
    auth::Customer,
    extract::{NoFields, Path},
};
use souk_values::ProductId;

use crate::{app::App, cart::CartCommand, error::CartError, view::CartView};

/// Removes a product from the wishlist and adds one unit of it to the cart, both or neither.
#[utoipa::path(
    post, path = "",
    params(("productId" = ProductId, Path, description = "Id of a product on the caller's wishlist.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`wishlist.item_not_found`"),
        (status = 422, description = "`cart.product_unknown`, `cart.quantity_too_large`, `cart.too_many_items`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(product): Path<ProductId>,
    _: NoFields,
) -> Result<Json<CartView>, CartError> {
    let product = app.catalogue.product_on_sale(product).await?;
    app.change(caller.user_id, CartCommand::AddFromWishlist(app.new_item(&product, 1))).await.map(Json)
}
