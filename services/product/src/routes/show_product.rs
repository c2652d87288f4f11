//! `GET /products/{productId}`: shows a product.

use axum::{extract::State, http::HeaderMap, response::Response};
use souk_kit::{Problem, auth::Admin, extract::Path};
use souk_values::ProductId;

use super::product_view::{self, ProductView};
use crate::{answers::PageKey, app::App, error::ProductError, reading};

/// Returns a product of the catalogue with all variants of its group. Admins also see one that was deleted from the catalogue, with
/// `hidden: true`; it can be restored.
#[utoipa::path(get, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
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
    Path(product_id): Path<ProductId>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    if admin.is_ok() {
        let product = app.store.any_product(product_id).await?;
        return product_view::read_response(&app, &headers, true, product).await;
    }
    if let Some(page) = reading::page(&app, PageKey::Id(product_id)) {
        return Ok(page.response(&headers));
    }
    let product = app.store.product(product_id).await?;
    product_view::read_response(&app, &headers, false, product).await
}
