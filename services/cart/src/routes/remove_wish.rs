//! `DELETE /wishlist/{productId}`: removes a product from the wishlist.

use axum::{Json, extract::State};
use souk_kit::{auth::Customer, extract::Path};
use souk_values::ProductId;

use super::show_wishlist::wishlist;
use crate::{app::App, error::CartError, view::WishlistView};

/// Removes a product from the wishlist.
#[utoipa::path(
    delete, path = "",
    params(("productId" = ProductId, Path, description = "Id of a product on the caller's wishlist.")),
    responses(
        (status = 200, body = WishlistView, description = "The whole wishlist."),
        (status = 404, description = "`wishlist.item_not_found`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    Path(product): Path<ProductId>,
) -> Result<Json<WishlistView>, CartError> {
    app.store.remove_wish(caller.user_id, product).await?;
    wishlist(&app, caller.user_id).await.map(Json)
}
