//! A product as the API shows it.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use serde::Serialize;
use souk_kit::extract::etag;
use souk_values::{CategoryId, Money, ProductId, Timestamp};
use utoipa::ToSchema;

use crate::product::Product;

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "productId": 246_290_604_621_824_i64, "sku": "KIT-COOK-0001-20", "name": "Cast Iron Skillet – 20 cm",
    "slug": "cast-iron-skillet-20-cm", "description": "A heavy skillet cast in one piece.",
    "price": {"amount": 2990, "currency": "EUR"}, "stock": 64, "categoryId": 246_290_604_600_001_i64,
    "imageUrl": "/pictures/cookware.svg", "attributes": {"Brand": "Harrow & Pell", "Diameter": "20 cm"},
    "lowStockAt": 5, "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"
}))]
pub struct ProductView {
    /// Which.
    pub product_id: ProductId,
    /// Stock keeping unit, unique.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// Its part of an address, unique.
    pub slug: String,
    /// Plain text.
    pub description: String,
    /// For one.
    pub price: Money,
    /// What can be bought now: on hand less reserved.
    #[schema(minimum = 0)]
    pub stock: i64,
    /// Where it stands.
    pub category_id: CategoryId,
    /// Its picture.
    pub image_url: Option<String>,
    /// Whatever else is to be known of it.
    pub attributes: BTreeMap<String, String>,
    /// Few are left at or below this.
    pub low_stock_at: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was edited last; stock does not count.
    pub updated_at: Timestamp,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        let Product { product_id, details, stock, created_at, updated_at, .. } = product;
        Self {
            product_id,
            sku: details.sku,
            name: details.name,
            slug: details.slug,
            description: details.description,
            price: details.price,
            stock,
            category_id: details.category_id,
            image_url: details.image_url,
            attributes: details.attributes,
            low_stock_at: details.low_stock_at,
            created_at,
            updated_at,
        }
    }
}

/// The product's `ETag`: version and stock, which together make its body.
pub fn tag(product: &Product) -> HeaderValue {
    etag(product.version, Some(product.stock))
}
