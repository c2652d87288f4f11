//! `GET /products/{productId}`.

use axum::{extract::State, http::HeaderMap, response::Response};
use souk_kit::extract::Path;
use souk_values::ProductId;

use super::{
    conditional,
    product_view::{self, ProductView},
};
use crate::{App, error::ProductError};

/// Shows a product.
#[utoipa::path(get, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag at hand"),
    ),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String, description = "`\"v{version}.{stock}\"`"))),
        (status = 304, description = "The caller has it already"),
        (status = 404, description = "`product.not_found`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    Path(product_id): Path<ProductId>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let product = app.store.product(product_id).await?;
    let tag = product_view::tag(&product);
    Ok(conditional::tagged(&headers, &tag, &ProductView::from(product)))
}
