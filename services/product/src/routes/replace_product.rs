//! `PUT /products/{productId}`: replaces a product.

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
    change_product::{self, ProductChange},
    lists::{Options, Pictures, Tags},
    product_view::ProductView,
    rules::{self, Attributes, Brand, Description, DescriptionHtml, ImageUrl, ProductName, Sku, Slug},
};
use crate::{app::App, error::ProductError, stock::MAX_STOCK};

/// All values of a product. An absent SKU, slug or group keeps its value, as absent options do; other absent fields get their
/// default.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Enamel Kettle", "price": {"amount": 3990, "currency": "EUR"}, "categoryId": 246_290_604_600_001_i64,
    "description": "Two litres.", "attributes": {"Colour": "Blue"}
}))]
pub(crate) struct WholeProduct {
    /// Name of the product: one line, at most 255 characters.
    #[garde(dive)]
    #[schema(inline)]
    name: ProductName,
    /// Price of one unit, in minor units of the shop's currency.
    #[garde(custom(rules::price))]
    price: Money,
    /// Id of the category that the product is in.
    #[garde(skip)]
    category_id: CategoryId,
    /// Ignored, so that a body from a GET can be sent back: stock changes by orders and `POST …/stock` only.
    #[serde(default, rename = "stock")]
    #[garde(skip)]
    _stock: Option<i64>,
    /// Stock keeping unit: unique in the shop, at most 100 characters. Unchanged when absent.
    #[garde(dive)]
    #[schema(inline)]
    sku: Option<Sku>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens. Unchanged when absent.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    slug: Option<Slug>,
    /// Plain text with line breaks, at most 10,000 characters. Default: empty.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    description: Description,
    /// Formatted description as HTML, of which the safe part is kept; `description` becomes its text, and one beside it is
    /// ignored. Unchanged when absent, if `description` is.
    #[garde(dive)]
    #[schema(inline)]
    description_html: Option<DescriptionHtml>,
    /// URL of its picture, or a path on this shop that begins with `/`; absent or `null` removes all pictures, unless `pictures` are given.
    #[garde(inner(custom(rules::image)))]
    #[schema(inline)]
    image_url: Option<ImageUrl>,
    /// Price of one unit before a reduction, shown when it is above `price`. Default: none.
    #[garde(inner(custom(rules::price)))]
    compare_at_price: Option<Money>,
    /// Name of the maker, at most 120 characters. Default: not known.
    #[garde(dive)]
    #[schema(inline)]
    brand: Option<Brand>,
    /// Tags, at most 50 of 100 characters. Default: none.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    tags: Tags,
    /// Pictures, at most 50, the main one first. Default: that of `imageUrl` alone.
    #[garde(dive)]
    #[schema(inline)]
    pictures: Option<Pictures>,
    /// Id of a product: this product joins its group of variants.
    #[garde(skip)]
    group_id: Option<ProductId>,
    /// Options that distinguish the product from the other variants of its group, at most 6; no two variants have the same.
    #[garde(dive)]
    #[schema(inline)]
    options: Option<Options>,
    /// Further properties by name, such as `{"Weight": "1650 g"}`; at most 30. Default: none.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    attributes: Attributes,
    /// Stock in units at or below which the product counts as low on stock. Default: the shop's threshold.
    #[garde(range(min = 0, max = MAX_STOCK))]
    low_stock_at: Option<i64>,
}

impl From<WholeProduct> for ProductChange {
    fn from(whole: WholeProduct) -> Self {
        // Pictures that are given begin with the main one; `imageUrl` may still choose another of them.
        let has_pictures = whole.pictures.is_some();
        let image_url = Some(whole.image_url).filter(|url| url.is_some() || !has_pictures);
        Self {
            name: Some(whole.name),
            price: Some(whole.price),
            category_id: Some(whole.category_id),
            _stock: None,
            sku: whole.sku,
            slug: whole.slug,
            description: Some(whole.description),
            description_html: whole.description_html,
            compare_at_price: Some(whole.compare_at_price),
            brand: Some(whole.brand),
            tags: Some(whole.tags),
            pictures: Some(whole.pictures.unwrap_or_default()),
            image_url,
            group_id: whole.group_id.map(Some),
            options: whole.options,
            attributes: Some(whole.attributes),
            low_stock_at: whole.low_stock_at,
        }
    }
}

/// Replaces a product, except its stock. For admins.
#[utoipa::path(put, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
        ("If-Match" = String, Header, description = "ETag of the product as you read it; only its version part is compared"),
    ),
    request_body = WholeProduct,
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `if_match.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`product.sku_taken`, `product.slug_taken`, `product.options_taken`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 422, description = "`price.wrong_currency`, `category.unknown`, `group.unknown`"),
        (status = 428, description = "`if_match.required`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
    ValidJson(whole): ValidJson<WholeProduct>,
) -> Result<Response, ProductError> {
    let mut change = ProductChange::from(whole);
    change.low_stock_at.get_or_insert(app.store.low_stock_at());
    change_product::apply(&app, product_id, seen, change).await
}
