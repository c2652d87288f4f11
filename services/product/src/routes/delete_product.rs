//! `DELETE /products/{productId}`.

use axum::{extract::State, http::StatusCode};
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path},
};
use souk_values::ProductId;

use crate::{App, error::ProductError};

/// Takes a product out of the catalogue. What is reserved of it stays reserved.
#[utoipa::path(delete, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("If-Match" = String, Header, description = "The ETag that was read; its version counts"),
    ),
    responses(
        (status = 204, description = "It is hidden"),
        (status = 400, description = "`if_match.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 428, description = "`if_match.required`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
) -> Result<StatusCode, ProductError> {
    app.store.hide(product_id, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}
