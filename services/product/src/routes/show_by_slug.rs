//! `GET /products/by-slug/{slug}`: shows a product by its slug.

use axum::{extract::State, http::HeaderMap, response::Response};
use souk_kit::{Problem, auth::Admin, extract::Path};

use super::product_view::{self, ProductView};
use crate::{answers::PageKey, app::App, error::ProductError, reading, slug::is_slug, store::StoreError};

/// Returns a product of the catalogue with all variants of its group by its slug.
#[utoipa::path(get, path = "",
    params(
        ("slug" = String, Path, description = "Slug of the product", example = "cast-iron-skillet-20-cm"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the representation that you have"),
    ),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String,
            description = "`\"v{version}.{stock}\"`; with other variants, `\"v{version}.{stock}.{hash of them}\"`"))),
        (status = 304, description = "Your representation is current"),
        (status = 404, description = "`product.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Result<Admin, Problem>,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    if !is_slug(&slug) {
        return Err(StoreError::ProductNotFound.into());
    }
    if admin.is_err()
        && let Some(page) = reading::page(&app, PageKey::Slug(slug.clone()))
    {
        return Ok(page.response(&headers));
    }
    let product = app.store.product_by_slug(&slug).await?;
    product_view::read_response(&app, &headers, admin.is_ok(), product).await
}
