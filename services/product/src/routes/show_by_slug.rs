//! `GET /products/by-slug/{slug}`.

use axum::{extract::State, http::HeaderMap, response::Response};
use souk_kit::extract::Path;

use super::{
    conditional,
    product_view::{self, ProductView},
};
use crate::{App, error::ProductError, slug::is_slug, store::StoreError};

/// Shows a product by its slug.
#[utoipa::path(get, path = "",
    params(
        ("slug" = String, Path, description = "Its part of an address", example = "cast-iron-skillet-20-cm"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag at hand"),
    ),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String, description = "`\"v{version}.{stock}\"`"))),
        (status = 304, description = "The caller has it already"),
        (status = 404, description = "`product.not_found`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    if !is_slug(&slug) {
        return Err(StoreError::ProductNotFound.into());
    }
    let product = app.store.product_by_slug(&slug).await?;
    let tag = product_view::tag(&product);
    Ok(conditional::tagged(&headers, &tag, &ProductView::from(product)))
}
