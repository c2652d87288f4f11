//! `PUT /products/{productId}`.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path, ValidJson},
};
use souk_values::{CategoryId, Money, ProductId};
use utoipa::ToSchema;

use super::{
    create_product::in_currency,
    product_view::{self, ProductView},
    rules,
};
use crate::{
    App,
    error::ProductError,
    product::{Edit, MAX_DESCRIPTION, MAX_NAME, MAX_SKU, Product},
    shelf::MAX_STOCK,
};

/// The whole product. SKU and slug stay as they are when absent; everything else that is absent is emptied.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Enamel Kettle", "price": {"amount": 3990, "currency": "EUR"}, "categoryId": 246_290_604_600_001_i64,
    "description": "Two litres.", "attributes": {"Colour": "Blue"}
}))]
pub struct WholeProduct {
    /// Its name.
    #[garde(length(chars, max = MAX_NAME), custom(rules::line))]
    name: String,
    /// For one, in the shop's currency.
    #[garde(custom(rules::price))]
    price: Money,
    /// Where it stands.
    #[garde(skip)]
    category_id: CategoryId,
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

/// Replaces what is said of a product.
#[utoipa::path(put, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("If-Match" = String, Header, description = "The ETag that was read; its version counts"),
    ),
    request_body = WholeProduct,
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
    ValidJson(whole): ValidJson<WholeProduct>,
) -> Result<Response, ProductError> {
    in_currency(whole.price, &app.store)?;
    let edit = Edit {
        sku: whole.sku,
        slug: whole.slug,
        name: Some(whole.name),
        description: Some(whole.description),
        price: Some(whole.price),
        category_id: Some(whole.category_id),
        image_url: Some(whole.image_url),
        attributes: Some(whole.attributes),
        low_stock_at: Some(whole.low_stock_at.unwrap_or(app.store.low_stock_at())),
    };
    app.store.edit(product_id, seen, edit).await.map(shown).map_err(ProductError::from)
}

/// The product as it then is, with its tag.
pub fn shown(product: Product) -> Response {
    ([(header::ETAG, product_view::tag(&product))], Json(ProductView::from(product))).into_response()
}
