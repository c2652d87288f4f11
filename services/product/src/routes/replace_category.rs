//! `PUT /categories/{categoryId}`.

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

/// The whole category. The slug stays as it is when absent.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Pots & Pans", "parentId": null, "position": 2}))]
pub struct WholeCategory {
    /// Its name.
    #[garde(length(chars, max = MAX_CATEGORY_NAME), custom(rules::line))]
    name: String,
    /// Under which; at the top when null or absent.
    #[serde(default)]
    #[garde(skip)]
    parent_id: Option<CategoryId>,
    /// Unique in the shop.
    #[serde(default)]
    #[garde(custom(rules::optional_slug))]
    slug: Option<String>,
    /// Lower stands first; 0.
    #[serde(default)]
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: i64,
}

/// Replaces a category.
#[utoipa::path(put, path = "",
    params(("categoryId" = CategoryId, Path, description = "Which category")),
    request_body = WholeCategory,
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
    ValidJson(whole): ValidJson<WholeCategory>,
) -> Result<Json<CategoryView>, ProductError> {
    let edit = CategoryEdit {
        parent_id: Some(whole.parent_id),
        slug: whole.slug,
        name: Some(whole.name),
        position: Some(whole.position),
    };
    Ok(Json(app.store.edit_category(category_id, edit).await?.into()))
}
