//! `PATCH /categories/{categoryId}`.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{Path, ValidJson},
};
use souk_values::CategoryId;
use utoipa::ToSchema;

use super::{category_view::CategoryView, rules};
use crate::{
    App,
    category::{CategoryEdit, MAX_CATEGORY_NAME, MAX_POSITION},
    error::ProductError,
};

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"position": 2}))]
pub struct CategoryChange {
    /// Its name.
    #[serde(default)]
    #[garde(length(chars, max = MAX_CATEGORY_NAME), custom(rules::optional_line))]
    name: Option<String>,
    /// Under which; `null` moves it to the top.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(skip)]
    #[schema(value_type = Option<CategoryId>)]
    #[expect(clippy::option_option, reason = "absent, null and an id are three cases")]
    parent_id: Option<Option<CategoryId>>,
    /// Unique in the shop.
    #[serde(default)]
    #[garde(custom(rules::optional_slug))]
    slug: Option<String>,
    /// Lower stands first.
    #[serde(default)]
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: Option<i64>,
}

/// Changes some of a category.
#[utoipa::path(patch, path = "",
    params(("categoryId" = CategoryId, Path, description = "Which category")),
    request_body = CategoryChange,
    responses(
        (status = 200, body = CategoryView),
        (status = 400, description = "`path.invalid`"),
        (status = 404, description = "`category.not_found`"),
        (status = 409, description = "`category.slug_taken`"),
        (status = 422, description = "`category.unknown`: no such parent; `category.cycle`: it would be below itself"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(category_id): Path<CategoryId>,
    ValidJson(change): ValidJson<CategoryChange>,
) -> Result<Json<CategoryView>, ProductError> {
    let CategoryChange { name, parent_id, slug, position } = change;
    let edit = CategoryEdit { parent_id, slug, name, position };
    Ok(Json(app.store.edit_category(category_id, edit).await?.into()))
}
