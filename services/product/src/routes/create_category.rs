//! `POST /categories`.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::MaybeKeyedJson};
use souk_values::CategoryId;
use utoipa::ToSchema;

use super::{category_view::CategoryView, rules};
use crate::{
    App,
    category::{CategoryDraft, MAX_CATEGORY_NAME, MAX_POSITION},
    error::ProductError,
    store::RequestKey,
};

/// A new category.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Cookware", "parentId": 246_290_604_600_001_i64, "position": 1}))]
pub struct NewCategory {
    /// Its name.
    #[garde(length(chars, max = MAX_CATEGORY_NAME), custom(rules::line))]
    name: String,
    /// Under which; at the top when absent.
    #[serde(default)]
    #[garde(skip)]
    parent_id: Option<CategoryId>,
    /// Unique in the shop; made of the name when absent.
    #[serde(default)]
    #[garde(custom(rules::optional_slug))]
    slug: Option<String>,
    /// Lower stands first; 0.
    #[serde(default)]
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: i64,
}

/// Makes a category.
#[utoipa::path(post, path = "",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key makes the category once")),
    request_body = NewCategory,
    responses(
        (status = 201, body = CategoryView),
        (status = 409, description = "`category.slug_taken`"),
        (status = 422, description = "`category.unknown`: no such parent; `idempotency_key.reused`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    admin: Admin,
    MaybeKeyedJson(key, new): MaybeKeyedJson<NewCategory>,
) -> Result<(StatusCode, Json<CategoryView>), ProductError> {
    let NewCategory { name, parent_id, slug, position } = new;
    let request = key.map(|key| RequestKey::new(admin.user_id, key));
    let category = app.store.insert_category(CategoryDraft { name, parent_id, slug, position }, request).await?;
    Ok((StatusCode::CREATED, Json(category.into())))
}
