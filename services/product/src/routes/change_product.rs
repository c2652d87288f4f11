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
    lists::{Options, Pictures, Tags},
    product_view::{self, ProductView},
    rules::{self, Attributes, Brand, Description, DescriptionHtml, ImageUrl, ProductName, Sku, Slug},
};
use crate::{app::App, error::ProductError, group::GroupChange, product::ProductEdit, stock::MAX_STOCK};

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
    /// Plain text with line breaks, at most 10,000 characters. Another text removes the HTML.
    #[garde(dive)]
    #[schema(inline)]
    pub description: Option<Description>,
    /// Formatted description as HTML, of which the safe part is kept; `description` becomes its text, and one beside it is
    /// ignored. An empty one removes the markup.
    #[garde(dive)]
    #[schema(inline)]
    pub description_html: Option<DescriptionHtml>,
    /// URL of its main picture, or a path on this shop that begins with `/`: a known picture becomes the first, another one
    /// takes the place of the first. `null` removes all pictures.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(inner(inner(custom(rules::image))))]
    #[schema(inline, value_type = Option<ImageUrl>)]
    #[expect(clippy::option_option, reason = "absent, null and an address are three cases")]
    pub image_url: Option<Option<ImageUrl>>,
    /// Price of one unit before a reduction, shown when it is above `price`; `null` removes it.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(inner(inner(custom(rules::price))))]
    #[schema(value_type = Option<Money>)]
    #[expect(clippy::option_option, reason = "absent, null and a price are three cases")]
    pub compare_at_price: Option<Option<Money>>,
    /// Name of the maker, at most 120 characters; `null` removes it.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(dive)]
    #[schema(inline, value_type = Option<Brand>)]
    #[expect(clippy::option_option, reason = "absent, null and a name are three cases")]
    pub brand: Option<Option<Brand>>,
    /// Tags, at most 50 of 100 characters; they replace all that the product has.
    #[garde(dive)]
    #[schema(inline)]
    pub tags: Option<Tags>,
    /// Pictures, at most 50, the main one first; they replace all that the product has.
    #[garde(dive)]
    #[schema(inline)]
    pub pictures: Option<Pictures>,
    /// Id of a product: this product joins its group of variants, as the last one. `null` makes this product a group of its own.
    #[serde(default, deserialize_with = "rules::present")]
    #[garde(skip)]
    #[schema(value_type = Option<ProductId>)]
    #[expect(clippy::option_option, reason = "absent, null and an id are three cases")]
    pub group_id: Option<Option<ProductId>>,
    /// Options that distinguish the product from the other variants of its group, at most 6; no two variants have the same. A name
    /// that ends with the old values, or had none, ends with the new ones afterwards.
    #[garde(dive)]
    #[schema(inline)]
    pub options: Option<Options>,
    /// Further properties by name, at most 30; they replace all that the product has.
    #[garde(dive)]
    #[schema(inline)]
    pub attributes: Option<Attributes>,
    /// Stock in units at or below which the product counts as low on stock.
    #[garde(range(min = 0, max = MAX_STOCK))]
    pub low_stock_at: Option<i64>,
}

impl ProductChange {
    fn into_parts(self) -> (ProductEdit, Option<GroupChange>) {
        let group = self.group_id.map(|id| id.map_or(GroupChange::Leave, GroupChange::Join));
        let (description, description_html) = rules::described(self.description, self.description_html);
        let edit = ProductEdit {
            sku: self.sku.map(Into::into),
            slug: self.slug.map(Into::into),
            name: self.name.map(Into::into),
            description,
            description_html,
            price: self.price,
            compare_at: self.compare_at_price,
            category_id: self.category_id,
            brand: self.brand.map(|brand| brand.map(Into::into)),
            tags: self.tags.map(Into::into),
            pictures: self.pictures.map(Into::into),
            image_url: self.image_url.map(|url| url.map(Into::into)),
            attributes: self.attributes.map(Into::into),
            options: self.options.map(Into::into),
            low_stock_at: self.low_stock_at,
            ..ProductEdit::default()
        };
        (edit, group)
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
    for price in change.price.into_iter().chain(change.compare_at_price.flatten()) {
        check_currency(price, &app.store)?;
    }
    let (edit, group) = change.into_parts();
    product_view::response(app, app.store.edit(product_id, seen, edit, group).await?).await
}
