//! `DELETE /categories/{categoryId}`.

use axum::{extract::State, http::StatusCode};
use souk_kit::{auth::Admin, extract::Path};
use souk_values::CategoryId;

use crate::{App, error::ProductError};

/// Removes an empty category.
#[utoipa::path(delete, path = "",
    params(("categoryId" = CategoryId, Path, description = "Which category")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`category.not_found`"),
        (status = 409, description = "`category.in_use`: products or categories are in it"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(category_id): Path<CategoryId>,
) -> Result<StatusCode, ProductError> {
    app.store.delete_category(category_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
