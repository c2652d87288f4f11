//! `PUT /categories/{categoryId}`: replaces a category.

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

/// All values of a category. An absent slug keeps its value; other absent fields get their default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Pots & Pans", "parentId": null, "position": 2}))]
pub(crate) struct WholeCategory {
    /// Name of the category: one line, at most 120 characters.
    #[garde(dive)]
    #[schema(inline)]
    name: CategoryName,
    /// Id of the parent category; absent or `null` for the top level.
    #[garde(skip)]
    parent_id: Option<CategoryId>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens. Unchanged when absent.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    slug: Option<Slug>,
    /// Order among its siblings, ascending. Default: 0.
    #[serde(default)]
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: i64,
}

/// Replaces a category. For admins.
#[utoipa::path(put, path = "",
    params(("categoryId" = CategoryId, Path, description = "Id of the category")),
    request_body = WholeCategory,
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
    ValidJson(whole): ValidJson<WholeCategory>,
) -> Result<Json<CategoryView>, ProductError> {
    let WholeCategory { name, parent_id, slug, position } = whole;
    let slug = slug.map(Into::into);
    let edit = CategoryEdit { name: Some(name.into()), parent_id: Some(parent_id), slug, position: Some(position) };
    Ok(Json(app.store.edit_category(category_id, edit).await?.into()))
}
