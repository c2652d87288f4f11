//! A product as the API returns it.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_kit::extract::etag;
use souk_values::{CategoryId, Money, ProductId, Timestamp};
use utoipa::ToSchema;

use super::conditional;
use crate::product::CatalogueProduct;

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "productId": 246_290_604_621_824_i64, "sku": "KIT-COOK-0001-20", "name": "Cast Iron Skillet – 20 cm",
    "slug": "cast-iron-skillet-20-cm", "description": "A heavy skillet cast in one piece.",
    "price": {"amount": 2990, "currency": "EUR"}, "stock": 64, "categoryId": 246_290_604_600_001_i64,
    "imageUrl": "/pictures/cookware.svg", "attributes": {"Brand": "Harrow & Pell", "Diameter": "20 cm"},
    "lowStockAt": 5, "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"
}))]
pub(crate) struct ProductView {
    /// Unique id of the product.
    pub product_id: ProductId,
    /// Stock keeping unit: unique in the shop, at most 100 characters.
    pub sku: String,
    /// Name of the product: one line, at most 255 characters.
    pub name: String,
    /// Unique part of the URL, such as `cast-iron-skillet-20-cm`.
    pub slug: String,
    /// Plain text with line breaks; empty when there is none.
    pub description: String,
    /// Price of one unit, in minor units of the shop's currency.
    pub price: Money,
    /// Units that can be bought now: on hand less reserved.
    #[schema(minimum = 0)]
    pub stock: i64,
    /// Id of the category that the product is in.
    pub category_id: CategoryId,
    /// URL of its picture, or a path on this shop such as `/pictures/cookware.svg`; `null` when there is none.
    pub image_url: Option<String>,
    /// Further properties by name, such as `{"Brand": "Harrow & Pell"}`.
    pub attributes: BTreeMap<String, String>,
    /// Stock in units at or below which the product counts as low on stock.
    pub low_stock_at: i64,
    /// Time at which the product was created.
    pub created_at: Timestamp,
    /// Time of the last edit; changes of stock do not count.
    pub updated_at: Timestamp,
}

impl From<CatalogueProduct> for ProductView {
    fn from(product: CatalogueProduct) -> Self {
        let CatalogueProduct { product_id, details, stock, created_at, updated_at, .. } = product;
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

/// Returns the `ETag`, made of version and stock, which determine the body.
pub(crate) fn tag(product: &CatalogueProduct) -> HeaderValue {
    etag(product.version, Some(product.stock))
}

/// Returns 200 with the product and its `ETag`.
pub(crate) fn response(product: CatalogueProduct) -> Response {
    ([(header::ETAG, tag(&product))], Json(ProductView::from(product))).into_response()
}

/// Returns the product for a public read; 304 when the caller has its current representation.
pub(crate) fn conditional_response(headers: &HeaderMap, product: CatalogueProduct) -> Response {
    let tag = tag(&product);
    let is_current = conditional::is_current(headers, &tag);
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, conditional::PUBLIC)];
    if is_current {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    (common, Json(ProductView::from(product))).into_response()
}
