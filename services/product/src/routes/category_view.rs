//! A category as the API returns it.

use serde::Serialize;
use souk_values::CategoryId;
use utoipa::ToSchema;

use crate::category::Category;

/// A category of the tree.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "categoryId": 246_290_604_600_001_i64, "parentId": null, "slug": "kitchen", "name": "Kitchen", "position": 0
}))]
pub(crate) struct CategoryView {
    /// Unique id of the category.
    pub category_id: CategoryId,
    /// Id of the parent category; `null` at the top level.
    pub parent_id: Option<CategoryId>,
    /// Unique part of the URL, such as `coffee-tea`.
    pub slug: String,
    /// Name of the category: one line, at most 120 characters.
    pub name: String,
    /// Order among its siblings, ascending; equal positions by name.
    pub position: i64,
}

impl From<Category> for CategoryView {
    fn from(category: Category) -> Self {
        let Category { category_id, parent_id, slug, name, position } = category;
        Self { category_id, parent_id, slug, name, position }
    }
}
