//! A category as the API shows it.

use serde::Serialize;
use souk_values::CategoryId;
use utoipa::ToSchema;

use crate::category::Category;

/// A node of the category tree.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "categoryId": 246_290_604_600_001_i64, "parentId": null, "slug": "kitchen", "name": "Kitchen", "position": 0
}))]
pub struct CategoryView {
    /// Which.
    pub category_id: CategoryId,
    /// Under which; null at the top.
    pub parent_id: Option<CategoryId>,
    /// Unique in the shop.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Lower stands first.
    pub position: i64,
}

impl From<Category> for CategoryView {
    fn from(category: Category) -> Self {
        let Category { category_id, parent_id, slug, name, position } = category;
        Self { category_id, parent_id, slug, name, position }
    }
}
