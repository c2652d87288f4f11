//! What fields of bodies must keep to.
#![expect(
    clippy::ref_option,
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "garde calls its rules with references to fields as they are"
)]

use std::collections::BTreeMap;

use garde::Error;
use serde::{Deserialize, Deserializer};
use souk_values::Money;

use crate::{
    import::is_image_url,
    product::{MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_ATTRIBUTES, MAX_PRICE},
    slug::{MAX_SLUG, is_slug},
};

/// One line that says something.
pub fn line(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() || text.trim() != text {
        return Err(Error::new("must not be empty, nor begin or end with a space"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::new("must be one line without control characters"));
    }
    Ok(())
}

/// [`line`], where there is one.
pub fn optional_line(text: &Option<String>, (): &()) -> garde::Result {
    text.as_deref().map_or(Ok(()), |text| line(text, &()))
}

/// Lines and tabs, and no other control characters.
pub fn text(text: &str, (): &()) -> garde::Result {
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(Error::new("must have no control characters but line ends and tabs"));
    }
    Ok(())
}

/// [`text`], where there is one.
pub fn optional_text(value: &Option<String>, (): &()) -> garde::Result {
    value.as_deref().map_or(Ok(()), |value| text(value, &()))
}

/// A slug, where there is one.
pub fn optional_slug(slug: &Option<String>, (): &()) -> garde::Result {
    match slug {
        Some(slug) if !is_slug(slug) => {
            Err(Error::new(format!("must be a-z, 0-9 and single hyphens between them, at most {MAX_SLUG}")))
        }
        _ => Ok(()),
    }
}

/// A price from nothing up.
pub fn price(price: &Money, (): &()) -> garde::Result {
    if (0..=MAX_PRICE).contains(&price.minor) {
        return Ok(());
    }
    Err(Error::new(format!("amount must be 0 to {MAX_PRICE}")))
}

/// [`price`], where there is one.
pub fn optional_price(value: &Option<Money>, (): &()) -> garde::Result {
    value.as_ref().map_or(Ok(()), |value| price(value, &()))
}

/// A picture's address, where there is one.
pub fn optional_image(url: &Option<String>, (): &()) -> garde::Result {
    match url {
        Some(url) if !is_image_url(url) => {
            Err(Error::new("must begin with https://, http:// or /, without spaces, at most 500 characters"))
        }
        _ => Ok(()),
    }
}

/// [`optional_image`], where the field is there.
pub fn changed_image(url: &Option<Option<String>>, (): &()) -> garde::Result {
    url.as_ref().map_or(Ok(()), |url| optional_image(url, &()))
}

/// Few attributes, short ones, each with a name.
pub fn attributes(attributes: &BTreeMap<String, String>, (): &()) -> garde::Result {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Error::new(format!("at most {MAX_ATTRIBUTES}")));
    }
    for (name, value) in attributes {
        line(name, &())?;
        text(value, &())?;
        if name.chars().count() > MAX_ATTRIBUTE_NAME || value.chars().count() > MAX_ATTRIBUTE_VALUE {
            return Err(Error::new(format!(
                "names have at most {MAX_ATTRIBUTE_NAME} characters, values {MAX_ATTRIBUTE_VALUE}"
            )));
        }
    }
    Ok(())
}

/// [`attributes`], where there are some.
pub fn optional_attributes(value: &Option<BTreeMap<String, String>>, (): &()) -> garde::Result {
    value.as_ref().map_or(Ok(()), |value| attributes(value, &()))
}

/// A field that is there, `null` or not; `#[serde(default)]` makes a missing one `None`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
