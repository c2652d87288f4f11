//! `POST /products/{productId}/restore`: puts a deleted product back into the catalogue.

use axum::{extract::State, response::Response};
use souk_kit::{
    auth::Admin,
    extract::{NoFields, Path},
};
use souk_values::ProductId;

use super::product_view::{self, ProductView};
use crate::{app::App, error::ProductError};

/// Puts a deleted product back into the catalogue. A product that is in it stays as it is. For admins.
///
/// SKU and slug of a deleted product are free for others. If another product has one of them by now, change that one first.
#[utoipa::path(post, path = "",
    params(("productId" = ProductId, Path, description = "Id of the product")),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`product.sku_taken`, `product.slug_taken`, `product.options_taken`"),
        (status = 422, description = "`category.unknown`: its category was deleted meanwhile"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    _: NoFields,
) -> Result<Response, ProductError> {
    product_view::response(&app, app.store.restore(product_id).await?).await
}
