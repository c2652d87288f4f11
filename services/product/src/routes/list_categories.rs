//! `GET /categories`: lists all categories.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use souk_values::Page;

use super::{category_view::CategoryView, conditional::PUBLIC};
use crate::{app::App, error::ProductError};

/// Lists all categories on one page, by position and name.
#[utoipa::path(get, path = "", responses((status = 200, body = Page<CategoryView>)))]
pub(crate) async fn handle(State(app): State<App>) -> Result<Response, ProductError> {
    let tree = app.store.categories().await?;
    let page = Page::whole(tree.nodes().to_vec()).map(CategoryView::from);
    Ok(([(header::CACHE_CONTROL, PUBLIC)], Json(page)).into_response())
}
