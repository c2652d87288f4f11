//! `POST /wishlist`: puts a product on the wishlist.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Customer, extract::ValidJson};
use souk_values::ProductId;
use utoipa::ToSchema;

use super::show_wishlist::wishlist;
use crate::{app::App, error::CartError, product::SeenProduct, view::WishlistView};

/// A product to put on the wishlist.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"productId": 1001}))]
pub(crate) struct AddWish {
    /// Id of the product in the catalogue.
    #[garde(skip)]
    product_id: ProductId,
}

/// Puts a product on the wishlist. Repeating the request changes nothing.
///
/// The customer is notified when the product is back in stock and when its price drops.
#[utoipa::path(
    post, path = "", request_body = AddWish,
    responses(
        (status = 200, body = WishlistView, description = "The whole wishlist."),
        (status = 422, description = "`cart.product_unknown`, `wishlist.too_many_items`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    ValidJson(request): ValidJson<AddWish>,
) -> Result<Json<WishlistView>, CartError> {
    let product = app.catalogue.product_on_sale(request.product_id).await?;
    let seen = SeenProduct { revision: product.revision, price: product.price };
    app.store.add_wish(caller.user_id, product.product_id, seen, app.clock.now()).await?;
    wishlist(&app, caller.user_id).await.map(Json)
}
