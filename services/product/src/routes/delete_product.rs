//! `DELETE /products/{productId}`: deletes a product from the catalogue.

use axum::{extract::State, http::StatusCode};
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path},
};
use souk_values::ProductId;

use crate::{app::App, error::ProductError};

/// Deletes a product from the catalogue. Units that orders have reserved stay reserved. For admins.
#[utoipa::path(delete, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
        ("If-Match" = String, Header, description = "ETag of the product as you read it; only its version part is compared"),
    ),
    responses(
        (status = 204, description = "The product is no longer in the catalogue"),
        (status = 400, description = "`if_match.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 428, description = "`if_match.required`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
) -> Result<StatusCode, ProductError> {
    app.store.hide(product_id, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}
