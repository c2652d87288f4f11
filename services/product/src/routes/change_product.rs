//! `PATCH /products/{productId}`.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path, ValidJson},
};
use souk_values::{CategoryId, Money, ProductId};
use utoipa::ToSchema;

use super::{create_product::in_currency, product_view::ProductView, replace_product::shown, rules};
use crate::{
    App,
    error::ProductError,
    product::{Edit, MAX_DESCRIPTION, MAX_NAME, MAX_SKU},
    shelf::MAX_STOCK,
};

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"price": {"amount": 3990, "currency": "EUR"}}))]
pub struct ProductChange {
    /// Its name.
    #[serde(default)]
    #[garde(length(chars, max = MAX_NAME), custom(rules::optional_line))]
    name: Option<String>,
    /// For one, in the shop's currency.
    #[serde(default)]
    #[garde(custom(rules::optional_price))]
    price: Option<Money>,
    /// Where it stands.
    #[serde(default)]
    #[garde(skip)]
    category_id: Option<CategoryId>,
    /// Ignored: only `POST …/stock` and orders change it.
    #[serde(default, rename = "stock")]
    #[garde(skip)]
    _stock: Option<i64>,
    /// Stock keeping unit, unique.
    #[serde(default)]
    #[garde(length(chars, max = MAX_SKU), custom(rules::optional_line))]
    sku: Option<String>,
    /// Its part of an address, unique.
    #[serde(default)]
    #[garde(custom(rules::optional_slug))]
    slug: Option<String>,
    /// Plain text.
    #[serde(default)]
    #[garde(length(chars, max = MAX_DESCRIPTION), custom(rules::optional_text))]
    description: Option<String>,
    /// Its picture: an address on this shop or on the web; `null` takes it away.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(custom(rules::changed_image))]
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "absent, null and an address are three cases")]
    image_url: Option<Option<String>>,
    /// In place of all attributes there were.
    #[serde(default)]
    #[garde(custom(rules::optional_attributes))]
    attributes: Option<BTreeMap<String, String>>,
    /// Few are left at or below this.
    #[serde(default)]
    #[garde(range(min = 0, max = MAX_STOCK))]
    low_stock_at: Option<i64>,
}

/// Changes some of what is said of a product.
#[utoipa::path(patch, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("If-Match" = String, Header, description = "The ETag that was read; its version counts"),
    ),
    request_body = ProductChange,
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `if_match.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`product.sku_taken`, `product.slug_taken`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 422, description = "`price.wrong_currency`, `category.unknown`"),
        (status = 428, description = "`if_match.required`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
    ValidJson(change): ValidJson<ProductChange>,
) -> Result<Response, ProductError> {
    if let Some(price) = change.price {
        in_currency(price, &app.store)?;
    }
    let edit = Edit {
        sku: change.sku,
        slug: change.slug,
        name: change.name,
        description: change.description,
        price: change.price,
        category_id: change.category_id,
        image_url: change.image_url,
        attributes: change.attributes,
        low_stock_at: change.low_stock_at,
    };
    app.store.edit(product_id, seen, edit).await.map(shown).map_err(ProductError::from)
}
