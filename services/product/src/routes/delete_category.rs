//! `DELETE /categories/{categoryId}`: deletes an empty category.

use axum::{extract::State, http::StatusCode};
use souk_kit::{auth::Admin, extract::Path};
use souk_values::CategoryId;

use crate::{app::App, error::ProductError};

/// Deletes an empty category. For admins.
#[utoipa::path(delete, path = "",
    params(("categoryId" = CategoryId, Path, description = "Id of the category")),
    responses(
        (status = 204, description = "The category is deleted"),
        (status = 404, description = "`category.not_found`"),
        (status = 409, description = "`category.in_use`: it contains products or categories"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(category_id): Path<CategoryId>,
) -> Result<StatusCode, ProductError> {
    app.store.delete_category(category_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
