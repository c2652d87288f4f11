//! `PATCH /products/{productId}`: changes a product.

use axum::{extract::State, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path, ValidJson},
};
use souk_values::{CategoryId, Money, ProductId};
use utoipa::ToSchema;

use super::{
    create_product::check_currency,
    product_view::{self, ProductView},
    rules::{self, Attributes, Description, ImageUrl, ProductName, Sku, Slug},
};
use crate::{app::App, error::ProductError, product::ProductEdit, stock::MAX_STOCK};

/// New values of a product; absent fields keep theirs.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"price": {"amount": 3990, "currency": "EUR"}}))]
pub(crate) struct ProductChange {
    /// Name of the product: one line, at most 255 characters.
    #[garde(dive)]
    #[schema(inline)]
    pub name: Option<ProductName>,
    /// Price of one unit, in minor units of the shop's currency.
    #[garde(inner(custom(rules::price)))]
    pub price: Option<Money>,
    /// Id of the category that the product is in.
    #[garde(skip)]
    pub category_id: Option<CategoryId>,
    /// Ignored, so that a body from a GET can be sent back: stock changes by orders and `POST …/stock` only.
    #[serde(default, rename = "stock")]
    #[garde(skip)]
    pub _stock: Option<i64>,
    /// Stock keeping unit: unique in the shop, at most 100 characters.
    #[garde(dive)]
    #[schema(inline)]
    pub sku: Option<Sku>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// Plain text with line breaks, at most 10,000 characters.
    #[garde(dive)]
    #[schema(inline)]
    pub description: Option<Description>,
    /// URL of its picture, or a path on this shop that begins with `/`; `null` removes the picture.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(inner(inner(custom(rules::image))))]
    #[schema(inline, value_type = Option<ImageUrl>)]
    #[expect(clippy::option_option, reason = "absent, null and an address are three cases")]
    pub image_url: Option<Option<ImageUrl>>,
    /// Further properties by name, at most 30; they replace all that the product has.
    #[garde(dive)]
    #[schema(inline)]
    pub attributes: Option<Attributes>,
    /// Stock in units at or below which the product counts as low on stock.
    #[garde(range(min = 0, max = MAX_STOCK))]
    pub low_stock_at: Option<i64>,
}

impl From<ProductChange> for ProductEdit {
    fn from(change: ProductChange) -> Self {
        Self {
            sku: change.sku.map(Into::into),
            slug: change.slug.map(Into::into),
            name: change.name.map(Into::into),
            description: change.description.map(Into::into),
            price: change.price,
            category_id: change.category_id,
            image_url: change.image_url.map(|url| url.map(Into::into)),
            attributes: change.attributes.map(Into::into),
            low_stock_at: change.low_stock_at,
        }
    }
}

/// Changes the fields of a product that the body contains. For admins.
#[utoipa::path(patch, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
        ("If-Match" = String, Header, description = "ETag of the product as you read it; only its version part is compared"),
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
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
    ValidJson(change): ValidJson<ProductChange>,
) -> Result<Response, ProductError> {
    apply(&app, product_id, seen, change).await
}

/// Applies `change` if the product still has the version `seen`.
pub(crate) async fn apply(
    app: &App,
    product_id: ProductId,
    seen: i64,
    change: ProductChange,
) -> Result<Response, ProductError> {
    if let Some(price) = change.price {
        check_currency(price, &app.store)?;
    }
    Ok(product_view::response(app.store.edit(product_id, seen, change.into()).await?))
}
