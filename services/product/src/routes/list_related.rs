//! `GET /products/{productId}/related`: lists products that go with a product.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use souk_kit::extract::Path;
use souk_values::{Page, ProductId};

use super::{conditional::PUBLIC, product_view::ProductView};
use crate::{app::App, error::ProductError};

/// Products in the list.
const COUNT: usize = 12;

/// Lists up to 12 products that go with a product, one of each group: first those that were bought in the same orders, the
/// most frequent first, then the best sold of the same category.
#[utoipa::path(get, path = "",
    params(("productId" = ProductId, Path, description = "Id of the product")),
    responses(
        (status = 200, body = Page<ProductView>),
        (status = 404, description = "`product.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path(product_id): Path<ProductId>,
) -> Result<Response, ProductError> {
    let product = app.store.product(product_id).await?;
    let related = app.store.related(&product, COUNT).await?;
    let entries = app.store.with_group_facts(related, false).await?;
    let items: Vec<ProductView> = entries.into_iter().map(ProductView::listed).collect();
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let page = Page { items, page: 0, size: count, total: count.into() };
    Ok(([(header::CACHE_CONTROL, PUBLIC)], Json(page)).into_response())
}
