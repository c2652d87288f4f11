//! Validation rules for the fields of bodies.

#![expect(
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "garde calls its rules with references; `present` has three cases"
)]

use std::collections::BTreeMap;

use garde::Error;
use serde::{Deserialize, Deserializer};
use souk_kit::text::{Line, Paragraphs, check_line, check_paragraphs};
use souk_values::Money;

use crate::{
    category::MAX_CATEGORY_NAME,
    import::is_image_url,
    product::{
        MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_DESCRIPTION, MAX_IMAGE_URL, MAX_NAME, MAX_PRICE,
        MAX_SKU,
    },
    slug::{MAX_SLUG, is_slug},
};

pub(crate) type ProductName = Line<MAX_NAME>;
pub(crate) type Sku = Line<MAX_SKU>;
pub(crate) type Slug = Line<MAX_SLUG>;
pub(crate) type Description = Paragraphs<MAX_DESCRIPTION>;
pub(crate) type ImageUrl = Line<MAX_IMAGE_URL>;
pub(crate) type CategoryName = Line<MAX_CATEGORY_NAME>;
/// Attributes of a product by name.
pub(crate) type Attributes = BTreeMap<Line<MAX_ATTRIBUTE_NAME>, Paragraphs<MAX_ATTRIBUTE_VALUE>>;

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

/// Limits the number of attributes, and checks their names and values.
pub(crate) fn attributes(attributes: &Attributes, (): &()) -> garde::Result {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Error::new(format!("must have at most {MAX_ATTRIBUTES} attributes")));
    }
    for (name, value) in attributes {
        let named = |part: &'static str| move |error| Error::new(format!("the {part} of each {error}"));
        check_line(name.as_ref(), MAX_ATTRIBUTE_NAME).map_err(named("name"))?;
        check_paragraphs(value.as_ref(), MAX_ATTRIBUTE_VALUE).map_err(named("value"))?;
    }
    Ok(())
}

/// Returns attributes as the domain keeps them.
pub(crate) fn plain(attributes: Attributes) -> BTreeMap<String, String> {
    attributes.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Distinguishes `null` from a missing field: deserializes a present one as `Some`; `#[serde(default)]` makes a missing one `None`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
