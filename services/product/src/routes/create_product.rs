//! `POST /products`: creates a product.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Admin, extract::MaybeKeyedJson};
use souk_values::{CategoryId, Money, ProductId};
use utoipa::ToSchema;

use super::{
    lists::{Options, Pictures, Tags},
    product_view::{self, ProductView},
    rules::{self, Attributes, Brand, Description, DescriptionHtml, ImageUrl, ProductName, Sku, Slug},
};
use crate::{
    app::App,
    error::ProductError,
    gallery::{self, ProductPicture},
    product::ProductDetails,
    stock::MAX_STOCK,
    store::{ProductDraft, ProductStore, RequestKey},
};

/// The product to be created.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "Enamel Kettle", "price": {"amount": 4490, "currency": "EUR"}, "stock": 40,
    "categoryId": 246_290_604_600_001_i64, "description": "Two litres.", "attributes": {"Colour": "Blue"}
}))]
pub(crate) struct NewProduct {
    /// Name of the product: one line, at most 255 characters.
    #[garde(dive)]
    #[schema(inline)]
    name: ProductName,
    /// Price of one unit, in minor units of the shop's currency.
    #[garde(custom(rules::price))]
    price: Money,
    /// Units on hand; later changed by orders and stock corrections only.
    #[garde(range(min = 0, max = MAX_STOCK))]
    stock: i64,
    /// Id of the category that the product is in.
    #[garde(skip)]
    category_id: CategoryId,
    /// Stock keeping unit: unique in the shop, at most 100 characters. Generated when absent.
    #[garde(dive)]
    #[schema(inline)]
    sku: Option<Sku>,
    /// Unique part of the URL: `a-z`, `0-9` and single hyphens. Derived from the name when absent.
    #[garde(inner(custom(rules::slug)))]
    #[schema(inline)]
    slug: Option<Slug>,
    /// Plain text with line breaks, at most 10,000 characters. Default: empty.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    description: Description,
    /// Formatted description as HTML, of which the safe part is kept; `description` becomes its text, and one beside it is
    /// ignored. Default: `description` alone.
    #[garde(dive)]
    #[schema(inline)]
    description_html: Option<DescriptionHtml>,
    /// URL of its picture, or a path on this shop that begins with `/`; no picture when absent.
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
    /// Id of a product: the new one joins its group of variants, as the last one. Default: a group of its own.
    #[garde(skip)]
    group_id: Option<ProductId>,
    /// Options that distinguish the product from the other variants of its group, at most 6; no two variants have the same.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    options: Options,
    /// Further properties by name, such as `{"Weight": "1650 g"}`; at most 30.
    #[serde(default)]
    #[garde(dive)]
    #[schema(inline)]
    attributes: Attributes,
    /// Stock in units at or below which the product counts as low on stock. Default: the shop's threshold.
    #[garde(range(min = 0, max = MAX_STOCK))]
    low_stock_at: Option<i64>,
}

impl NewProduct {
    fn into_draft(self, store: &ProductStore, request: Option<RequestKey>) -> Result<ProductDraft, ProductError> {
        for price in [Some(self.price), self.compare_at_price].into_iter().flatten() {
            check_currency(price, store)?;
        }
        let mut pictures: Vec<ProductPicture> = self.pictures.unwrap_or_default().into();
        if let Some(url) = self.image_url {
            pictures = gallery::with_main(&pictures, Some(url.as_ref()));
        }
        let (description, description_html) = rules::described(Some(self.description), self.description_html);
        let details = ProductDetails {
            sku: self.sku.map(Into::into).unwrap_or_default(),
            slug: self.slug.map(Into::into).unwrap_or_default(),
            name: self.name.into(),
            description: description.unwrap_or_default(),
            description_html: description_html.unwrap_or_default(),
            price: self.price,
            compare_at: self.compare_at_price,
            category_id: self.category_id,
            brand: self.brand.map(Into::into),
            tags: self.tags.into(),
            pictures,
            attributes: self.attributes.into(),
            group_id: None,
            group_position: 0,
            options: self.options.into(),
            low_stock_at: self.low_stock_at.unwrap_or(store.low_stock_at()),
            import_key: None,
        };
        Ok(ProductDraft { details, stock: self.stock, joins: self.group_id, request })
    }
}

/// Errors: the price is not in the shop's currency.
pub(crate) fn check_currency(price: Money, store: &ProductStore) -> Result<(), ProductError> {
    if price.currency == store.currency() { Ok(()) } else { Err(ProductError::WrongCurrency(store.currency())) }
}

/// Creates a product. For admins.
#[utoipa::path(post, path = "",
    params(("Idempotency-Key" = Option<String>, Header, description = "Your own unique text; requests with the same key create one product")),
    request_body = NewProduct,
    responses(
        (status = 201, body = ProductView, headers(("ETag" = String), ("Location" = String))),
        (status = 409, description = "`product.sku_taken`, `product.slug_taken`, `product.options_taken`"),
        (status = 422, description = "`price.wrong_currency`, `category.unknown`, `group.unknown`, `idempotency_key.reused`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Admin,
    MaybeKeyedJson(key, new): MaybeKeyedJson<NewProduct>,
) -> Result<Response, ProductError> {
    let request = key.map(|key| RequestKey::new(admin.user_id, key));
    let product = app.store.insert(new.into_draft(&app.store, request)?).await?;
    let location = [(header::LOCATION, format!("/products/{}", product.product_id))];
    Ok((StatusCode::CREATED, location, product_view::response(&app, product).await?).into_response())
}
