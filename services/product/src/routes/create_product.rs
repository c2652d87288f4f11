//! `POST /products`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::MaybeKeyedJson};
use souk_values::{CategoryId, Money};
use utoipa::ToSchema;

use super::{
    product_view::{self, ProductView},
    rules,
};
use crate::{
    App,
    error::ProductError,
    product::{Details, MAX_DESCRIPTION, MAX_NAME, MAX_SKU},
    shelf::MAX_STOCK,
    store::{Draft, ProductStore, RequestKey},
};

/// A new product.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Enamel Kettle", "price": {"amount": 4490, "currency": "EUR"}, "stock": 40,
    "categoryId": 246_290_604_600_001_i64, "description": "Two litres.", "attributes": {"Colour": "Blue"}
}))]
pub struct NewProduct {
    /// Its name.
    #[garde(length(chars, max = MAX_NAME), custom(rules::line))]
    name: String,
    /// For one, in the shop's currency.
    #[garde(custom(rules::price))]
    price: Money,
    /// Units on hand.
    #[garde(range(min = 0, max = MAX_STOCK))]
    stock: i64,
    /// Where it stands.
    #[garde(skip)]
    category_id: CategoryId,
    /// Stock keeping unit, unique; made when absent.
    #[serde(default)]
    #[garde(length(chars, max = MAX_SKU), custom(rules::optional_line))]
    sku: Option<String>,
    /// Its part of an address, unique; made of the name when absent.
    #[serde(default)]
    #[garde(custom(rules::optional_slug))]
    slug: Option<String>,
    /// Plain text.
    #[serde(default)]
    #[garde(length(chars, max = MAX_DESCRIPTION), custom(rules::text))]
    description: String,
    /// Its picture: an address on this shop or on the web.
    #[serde(default)]
    #[garde(custom(rules::optional_image))]
    image_url: Option<String>,
    /// Whatever else is to be known of it.
    #[serde(default)]
    #[garde(custom(rules::attributes))]
    attributes: BTreeMap<String, String>,
    /// Few are left at or below this; the shop's threshold when absent.
    #[serde(default)]
    #[garde(range(min = 0, max = MAX_STOCK))]
    low_stock_at: Option<i64>,
}

impl NewProduct {
    fn details(self, store: &ProductStore) -> Result<(Details, i64), ProductError> {
        in_currency(self.price, store)?;
        let details = Details {
            sku: self.sku.unwrap_or_default(),
            slug: self.slug.unwrap_or_default(),
            name: self.name,
            description: self.description,
            price: self.price,
            category_id: self.category_id,
            image_url: self.image_url,
            attributes: self.attributes,
            low_stock_at: self.low_stock_at.unwrap_or(store.low_stock_at()),
        };
        Ok((details, self.stock))
    }
}

/// Errors: the price is in a currency that is not the shop's.
pub fn in_currency(price: Money, store: &ProductStore) -> Result<(), ProductError> {
    if price.currency == store.currency() { Ok(()) } else { Err(ProductError::WrongCurrency(store.currency())) }
}

/// Makes a product.
#[utoipa::path(post, path = "",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key makes the product once")),
    request_body = NewProduct,
    responses(
        (status = 201, body = ProductView, headers(("ETag" = String), ("Location" = String))),
        (status = 409, description = "`product.sku_taken`, `product.slug_taken`"),
        (status = 422, description = "`price.wrong_currency`, `category.unknown`, `idempotency_key.reused`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    admin: Admin,
    MaybeKeyedJson(key, new): MaybeKeyedJson<NewProduct>,
) -> Result<Response, ProductError> {
    let (details, stock) = new.details(&app.store)?;
    let request = key.map(|key| RequestKey::new(admin.user_id, key));
    let product = app.store.insert(Draft { details, stock, request }).await?;
    let headers = [
        (header::ETAG, product_view::tag(&product).to_str().unwrap_or_default().to_owned()),
        (header::LOCATION, format!("/products/{}", product.product_id)),
    ];
    Ok((StatusCode::CREATED, headers, Json(ProductView::from(product))).into_response())
}
