//! `PATCH /categories/{categoryId}`: changes a category.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{Path, ValidJson},
};
use souk_values::CategoryId;
use utoipa::ToSchema;

use super::{
    category_view::CategoryView,
    rules::{self, CategoryName, Slug},
};
use crate::{
    app::App,
    category::{CategoryEdit, MAX_POSITION},
    error::ProductError,
};

/// New values of a category; absent fields keep theirs.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"position": 2}))]
pub(crate) struct CategoryChange {
    /// Name of the category: one line, at most 120 characters.
    #[garde(dive)]
    #[schema(inline)]
    name: Option<CategoryName>,
    /// Id of the parent category; `null` moves the category to the top level.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(skip)]
    #[schema(value_type = Option<CategoryId>)]
    #[expect(clippy::option_option, reason = "absent, null and an id are three cases")]
    parent_id: Option<Option<CategoryId>>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    slug: Option<Slug>,
    /// Order among its siblings, ascending.
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: Option<i64>,
}

/// Changes the fields of a category that the body contains. For admins.
#[utoipa::path(patch, path = "",
    params(("categoryId" = CategoryId, Path, description = "Id of the category")),
    request_body = CategoryChange,
    responses(
        (status = 200, body = CategoryView),
        (status = 400, description = "`path.invalid`"),
        (status = 404, description = "`category.not_found`"),
        (status = 409, description = "`category.slug_taken`"),
        (status = 422, description = "`category.unknown`: the parent does not exist; `category.cycle`: the category would be below itself"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(category_id): Path<CategoryId>,
    ValidJson(change): ValidJson<CategoryChange>,
) -> Result<Json<CategoryView>, ProductError> {
    let CategoryChange { name, parent_id, slug, position } = change;
    let edit = CategoryEdit { parent_id, slug: slug.map(Into::into), name: name.map(Into::into), position };
    Ok(Json(app.store.edit_category(category_id, edit).await?.into()))
}
