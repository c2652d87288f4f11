//! `POST /categories`: creates a category.

use axum::{Json, extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::MaybeKeyedJson};
use souk_values::CategoryId;
use utoipa::ToSchema;

use super::{
    category_view::CategoryView,
    rules::{self, CategoryName, Slug},
};
use crate::{
    app::App,
    category::{CategoryDraft, MAX_POSITION},
    error::ProductError,
    store::RequestKey,
};

/// The category to be created.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Cookware", "parentId": 246_290_604_600_001_i64, "position": 1}))]
pub(crate) struct NewCategory {
    /// Name of the category: one line, at most 120 characters.
    #[garde(dive)]
    #[schema(inline)]
    name: CategoryName,
    /// Id of the parent category; absent or `null` for the top level.
    #[garde(skip)]
    parent_id: Option<CategoryId>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens. Derived from the name when absent.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    slug: Option<Slug>,
    /// Order among its siblings, ascending. Default: 0.
    #[serde(default)]
    #[garde(range(min = -MAX_POSITION, max = MAX_POSITION))]
    position: i64,
}

/// Creates a category. For admins.
#[utoipa::path(post, path = "",
    params(("Idempotency-Key" = Option<String>, Header, description = "Your own unique text; requests with the same key create one category")),
    request_body = NewCategory,
    responses(
        (status = 201, body = CategoryView),
        (status = 409, description = "`category.slug_taken`"),
        (status = 422, description = "`category.unknown`: the parent does not exist; `idempotency_key.reused`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Admin,
    MaybeKeyedJson(key, new): MaybeKeyedJson<NewCategory>,
) -> Result<(StatusCode, Json<CategoryView>), ProductError> {
    let NewCategory { name, parent_id, slug, position } = new;
    let request = key.map(|key| RequestKey::new(admin.user_id, key));
    let draft = CategoryDraft { name: name.into(), parent_id, slug: slug.map(Into::into), position };
    let category = app.store.insert_category(draft, request).await?;
    Ok((StatusCode::CREATED, Json(category.into())))
}
