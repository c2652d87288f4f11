//! `GET /products/{productId}/related`: lists products that go with a product.

use axum::{extract::State, http::HeaderMap, response::Response};
use souk_kit::extract::Path;
use souk_values::{Page, ProductId};

use super::product_view::ProductView;
use crate::{answers::Prepared, app::App, error::ProductError, index::CatalogueIndex, reading};

/// Products in the list.
const COUNT: usize = 12;

/// Lists up to 12 products that go with a product, one of each group: first those that were bought in the same orders, the
/// most frequent first, then the best sold of the same category and of those below it, in stock before not.
#[utoipa::path(get, path = "",
    params(("productId" = ProductId, Path, description = "Id of the product")),
    responses(
        (status = 200, body = Page<ProductView>),
        (status = 404, description = "`product.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path(product_id): Path<ProductId>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let key = format!("/{product_id}/related");
    if let Some(kept) = app.ready_index().and_then(|index| app.answers.list(&key, index)) {
        return Ok(kept.response(&headers));
    }
    let epoch = app.ready_index().map(CatalogueIndex::epoch);
    let entries = if let Some(indexed) = reading::related(&app, product_id, COUNT).await? {
        indexed
    } else {
        let product = app.store.product(product_id).await?;
        app.store.with_group_facts(app.store.related(&product, COUNT).await?, false).await?
    };
    let prepared = Prepared::hashed(&Page::whole(entries).map(ProductView::listed))?;
    if let Some(epoch) = epoch {
        app.answers.keep_list(&key, epoch, prepared.clone());
    }
    Ok(prepared.response(&headers))
}
