//! A product as the API returns it.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use souk_kit::extract::etag;
use souk_values::{CategoryId, Money, ProductId, Timestamp};
use utoipa::ToSchema;

use super::conditional;
use crate::{
    app::App,
    error::ProductError,
    gallery::ProductPicture,
    group::Variant,
    index::IndexedPage,
    product::CatalogueProduct,
    store::ListEntry,
    variant::{ProductOption, title},
};

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "productId": 246_290_604_621_824_i64, "sku": "KIT-COOK-0001-20", "name": "Cast Iron Skillet – 20 cm",
    "slug": "cast-iron-skillet-20-cm", "description": "A heavy skillet cast in one piece.",
    "price": {"amount": 2990, "currency": "EUR"}, "stock": 64, "categoryId": 246_290_604_600_001_i64,
    "compareAtPrice": null, "brand": "Harrow & Pell", "tags": ["cast iron"], "groupId": 246_290_604_621_824_i64,
    "groupName": "Cast Iron Skillet", "options": [{"name": "Diameter", "value": "20 cm"}], "imageUrl": "/pictures/cookware.svg",
    "pictures": [{"url": "/pictures/cookware.svg", "alt": "A skillet on a hob", "width": null, "height": null}],
    "attributes": {"Weight": "1650 g"}, "lowStockAt": 5, "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"
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
    /// Units that open orders hold. For admins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub reserved: Option<i64>,
    /// Units sold and not given back. For admins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub sold: Option<i64>,
    /// True for a product that was deleted from the catalogue. For admins only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Id of the category that the product is in.
    pub category_id: CategoryId,
    /// Price of one unit before a reduction, as the shop owner gave it; shown when it is above `price`. `null` when there is
    /// none.
    pub compare_at_price: Option<Money>,
    /// Name of the maker; `null` when it is not known.
    pub brand: Option<String>,
    /// Tags by which the shop owner arranges products.
    pub tags: Vec<String>,
    /// Group of variants that the product belongs to, named by the id of one of them.
    pub group_id: ProductId,
    /// Name of the group: that of the product without the values of its options.
    pub group_name: String,
    /// Number of variants of the group. In lists of groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_count: Option<u64>,
    /// Lowest price of the group's variants. In lists of groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_from: Option<Money>,
    /// True when the group's variants have different prices. In lists of groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices_differ: Option<bool>,
    /// All variants of the group in the order of the shop owner's file, this product among them. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Vec<VariantView>>,
    /// The description as safe HTML. Not in lists, and absent when there is only plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_html: Option<String>,
    /// Options that distinguish the product from the other variants of its group, in the order of the shop owner's file; empty for a
    /// product without variants.
    pub options: Vec<OptionView>,
    /// URL of its main picture, the first of `pictures`; `null` when there is none.
    pub image_url: Option<String>,
    /// All its pictures, the main one first.
    pub pictures: Vec<PictureView>,
    /// Further properties by name, such as `{"Weight": "1650 g"}`.
    pub attributes: BTreeMap<String, String>,
    /// Stock in units at or below which the product counts as low on stock.
    pub low_stock_at: i64,
    /// Time at which the product was created.
    pub created_at: Timestamp,
    /// Time of the last edit; changes of stock do not count.
    pub updated_at: Timestamp,
}

/// A variant of a product's group.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "productId": 246_290_604_621_824_i64, "slug": "cast-iron-skillet-20-cm",
    "options": [{"name": "Diameter", "value": "20 cm"}], "price": {"amount": 2990, "currency": "EUR"}, "stock": 64,
    "imageUrl": "/pictures/cookware.svg"
}))]
pub(crate) struct VariantView {
    /// Unique id of the variant, which is a product.
    pub product_id: ProductId,
    /// Unique part of the URL.
    pub slug: String,
    /// Options that distinguish the variant from the others.
    pub options: Vec<OptionView>,
    /// Price of one unit.
    pub price: Money,
    /// Units that can be bought now.
    #[schema(minimum = 0)]
    pub stock: i64,
    /// URL of its main picture; `null` when there is none.
    pub image_url: Option<String>,
}

impl From<Variant> for VariantView {
    fn from(variant: Variant) -> Self {
        let Variant { product_id, slug, options, price, stock, image_url } = variant;
        Self { product_id, slug, options: options.into_iter().map(OptionView::from).collect(), price, stock, image_url }
    }
}

/// An option with its value.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"name": "Diameter", "value": "20 cm"}))]
pub(crate) struct OptionView {
    /// Name of the property that the variants differ in, such as `Diameter`.
    pub name: String,
    /// The value of this variant, such as `20 cm`.
    pub value: String,
}

/// A picture of a product.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"url": "/pictures/cookware.svg", "alt": "A skillet on a hob", "width": 1200, "height": 1200}))]
pub(crate) struct PictureView {
    /// URL of the picture, or a path on this shop such as `/pictures/cookware.svg`.
    pub url: String,
    /// Text for those who do not see the picture; empty when there is none.
    pub alt: String,
    /// Width of the largest size in pixels; `null` when it is not known.
    pub width: Option<u32>,
    /// Height of the largest size in pixels; `null` when it is not known.
    pub height: Option<u32>,
}

impl From<ProductOption> for OptionView {
    fn from(option: ProductOption) -> Self {
        Self { name: option.name, value: option.value }
    }
}

impl From<ProductPicture> for PictureView {
    fn from(picture: ProductPicture) -> Self {
        let ProductPicture { url, alt, width, height } = picture;
        Self { url, alt, width, height }
    }
}

impl ProductView {
    /// Returns the product as lists show it to everyone.
    pub(crate) fn listed(entry: ListEntry) -> Self {
        let ListEntry { product, group } = entry;
        let group_id = product.group_id();
        let group_name = title(&product.details.name, &product.details.options).to_owned();
        let CatalogueProduct { product_id, details, stock, created_at, updated_at, .. } = product;
        Self {
            product_id,
            image_url: details.image_url().map(str::to_owned),
            sku: details.sku,
            name: details.name,
            slug: details.slug,
            description: details.description,
            description_html: None,
            price: details.price,
            compare_at_price: details.compare_at,
            stock,
            reserved: None,
            sold: None,
            hidden: None,
            category_id: details.category_id,
            brand: details.brand,
            tags: details.tags,
            group_id,
            group_name,
            variant_count: group.map(|group| group.variants),
            price_from: group.map(|group| group.price_from),
            prices_differ: group.map(|group| group.prices_differ),
            variants: None,
            options: details.options.into_iter().map(OptionView::from).collect(),
            pictures: details.pictures.into_iter().map(PictureView::from).collect(),
            attributes: details.attributes,
            low_stock_at: details.low_stock_at,
            created_at,
            updated_at,
        }
    }

    /// Returns the product as lists show it to admins.
    pub(crate) fn listed_for_admin(entry: ListEntry) -> Self {
        let (reserved, sold, hidden) = (entry.product.reserved, entry.product.sold, entry.product.hidden);
        Self { reserved: Some(reserved), sold: Some(sold), hidden: Some(hidden), ..Self::listed(entry) }
    }
}

/// A product with its variants: the whole of what its page shows.
#[derive(Debug)]
pub(crate) struct ProductPage {
    product: CatalogueProduct,
    variants: Vec<Variant>,
}

impl ProductPage {
    /// The page of a product as the index has it.
    pub(crate) fn indexed(page: IndexedPage) -> Self {
        Self { product: page.product, variants: page.group.into_iter().map(Variant::from).collect() }
    }

    /// Reads the variants of `product`.
    pub(crate) async fn of(app: &App, product: CatalogueProduct) -> Result<Self, ProductError> {
        let variants = app.store.variants(product.group_id()).await?;
        Ok(Self { product, variants })
    }

    /// Returns the `ETag`: version and stock of the product, and a hash of the other variants, which the body shows too.
    pub(crate) fn tag(&self) -> HeaderValue {
        let mut others = self.variants.iter().filter(|other| other.product_id != self.product.product_id).peekable();
        if others.peek().is_none() {
            return etag(self.product.version, Some(self.product.stock));
        }
        let mut hash = Sha256::new();
        for variant in others {
            // Debug writes every field, and quotes texts.
            hash.update(format!("{variant:?}"));
        }
        let digits = hex::encode(hash.finalize());
        let text = format!("\"v{}.{}.{digits:.12}\"", self.product.version, self.product.stock);
        HeaderValue::try_from(text).unwrap_or_else(|_| etag(self.product.version, Some(self.product.stock)))
    }

    pub(crate) fn view(self, is_for_admin: bool) -> ProductView {
        let html = Some(self.product.details.description_html.clone()).filter(|html| !html.is_empty());
        let variants = self.variants.into_iter().map(VariantView::from).collect();
        let entry = ListEntry { product: self.product, group: None };
        let view = if is_for_admin { ProductView::listed_for_admin(entry) } else { ProductView::listed(entry) };
        ProductView { variants: Some(variants), description_html: html, ..view }
    }
}

/// Returns the product as an admin sees it after a change, with its `ETag`.
pub(crate) async fn response(app: &App, product: CatalogueProduct) -> Result<Response, ProductError> {
    let page = ProductPage::of(app, product).await?;
    Ok(([(header::ETAG, page.tag())], Json(page.view(true))).into_response())
}

/// Returns the product for a read: to everyone a representation that caches may keep, or 304 when the caller has it; to an
/// admin one with the facts that change without a new `ETag`, which nothing keeps.
pub(crate) async fn read_response(
    app: &App,
    headers: &HeaderMap,
    is_admin: bool,
    product: CatalogueProduct,
) -> Result<Response, ProductError> {
    let page = ProductPage::of(app, product).await?;
    let tag = page.tag();
    if is_admin {
        let common = [(header::ETAG, tag), (header::CACHE_CONTROL, conditional::NEVER)];
        return Ok((common, Json(page.view(true))).into_response());
    }
    let is_current = conditional::is_current(headers, &tag);
    let common = [(header::ETAG, tag), (header::CACHE_CONTROL, conditional::PUBLIC)];
    if is_current {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, Json(page.view(false))).into_response())
}
