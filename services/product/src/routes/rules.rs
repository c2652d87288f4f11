//! Validation rules for the fields of bodies, and for search terms.

#![expect(
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "garde calls its rules with references; `present` has three cases"
)]

use std::collections::BTreeMap;

use garde::{Error, Path, Report, Validate};
use serde::{Deserialize, Deserializer};
use souk_kit::text::{Line, Paragraphs, check_line, check_paragraphs, normalized};
use souk_values::Money;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    category::MAX_CATEGORY_NAME,
    error::ProductError,
    import::is_image_url,
    product::{
        MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_BRAND, MAX_DESCRIPTION, MAX_IMAGE_URL, MAX_NAME,
        MAX_PRICE, MAX_SKU,
    },
    slug::{MAX_SLUG, is_slug},
};

pub(crate) type ProductName = Line<MAX_NAME>;
pub(crate) type Sku = Line<MAX_SKU>;
pub(crate) type Slug = Line<MAX_SLUG>;
pub(crate) type Description = Paragraphs<MAX_DESCRIPTION>;
pub(crate) type ImageUrl = Line<MAX_IMAGE_URL>;
pub(crate) type Brand = Line<MAX_BRAND>;
pub(crate) type CategoryName = Line<MAX_CATEGORY_NAME>;

pub(crate) fn slug(slug: &Slug, (): &()) -> garde::Result {
    if is_slug(slug.as_ref()) {
        return Ok(());
    }
    Err(Error::new(format!(
        "must consist of a-z, 0-9 and single hyphens between them, and have at most {MAX_SLUG} characters"
    )))
}

/// Requires a price from 0 to [`MAX_PRICE`].
pub(crate) fn price(price: &Money, (): &()) -> garde::Result {
    if (0..=MAX_PRICE).contains(&price.minor) {
        return Ok(());
    }
    Err(Error::new(format!("amount must be 0 to {MAX_PRICE}")))
}

pub(crate) fn image(url: &ImageUrl, (): &()) -> garde::Result {
    if is_image_url(url.as_ref()) {
        return Ok(());
    }
    Err(Error::new("must begin with https://, http:// or /, without spaces, at most 500 characters"))
}

/// Attributes of a product by name: a limited number, whose names and values keep the rule of texts.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Attributes(BTreeMap<Line<MAX_ATTRIBUTE_NAME>, AttributeValue>);

type AttributeValue = Paragraphs<MAX_ATTRIBUTE_VALUE>;

impl Validate for Attributes {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let mut refuse = |error: Error| report.append(parent(), error);
        if self.0.len() > MAX_ATTRIBUTES {
            refuse(Error::new(format!("must have at most {MAX_ATTRIBUTES} attributes")));
        }
        for (name, value) in &self.0 {
            if let Err(error) = check_line(name.as_ref(), MAX_ATTRIBUTE_NAME) {
                refuse(Error::new(format!("the name of each {error}")));
            }
            if let Err(error) = check_paragraphs(value.as_ref(), MAX_ATTRIBUTE_VALUE) {
                refuse(Error::new(format!("the value of each {error}")));
            }
        }
    }
}

impl PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        let map = ObjectBuilder::new().schema_type(Type::Object);
        map.additional_properties(Some(AttributeValue::schema())).build().into()
    }
}

impl ToSchema for Attributes {}

impl From<Attributes> for BTreeMap<String, String> {
    fn from(attributes: Attributes) -> Self {
        attributes.0.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

/// Distinguishes `null` from a missing field: deserializes a present one as `Some`; `#[serde(default)]` makes a missing one `None`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Maximum length of `q` in characters.
const MAX_QUERY: usize = 200;

/// Returns the normalized `q` of a request. Errors: it is too long.
pub(super) fn search_terms(q: &str) -> Result<String, ProductError> {
    let terms = normalized(q);
    if terms.chars().count() > MAX_QUERY {
        return Err(ProductError::Query(format!("q must have at most {MAX_QUERY} characters")));
    }
    Ok(terms)
}
