//! Validation rules for the fields of bodies.

#![expect(
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "garde calls its rules with references; `present` has three cases"
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

/// Requires one non-empty line without spaces around it.
pub(crate) fn line(text: &str, (): &()) -> garde::Result {
    if text.trim().is_empty() || text.trim() != text {
        return Err(Error::new("must not be empty, nor begin or end with a space"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::new("must be one line without control characters"));
    }
    Ok(())
}

/// Refuses control characters other than line ends and tabs.
pub(crate) fn text(text: &str, (): &()) -> garde::Result {
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(Error::new("must have no control characters but line ends and tabs"));
    }
    Ok(())
}

pub(crate) fn slug(slug: &str, (): &()) -> garde::Result {
    if is_slug(slug) {
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

pub(crate) fn image(url: &str, (): &()) -> garde::Result {
    if is_image_url(url) {
        return Ok(());
    }
    Err(Error::new("must begin with https://, http:// or /, without spaces, at most 500 characters"))
}

/// Limits number and length of attributes, and requires a name for each.
pub(crate) fn attributes(attributes: &BTreeMap<String, String>, (): &()) -> garde::Result {
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(Error::new(format!("must have at most {MAX_ATTRIBUTES} attributes")));
    }
    for (name, value) in attributes {
        line(name, &())?;
        text(value, &())?;
        if name.chars().count() > MAX_ATTRIBUTE_NAME || value.chars().count() > MAX_ATTRIBUTE_VALUE {
            return Err(Error::new(format!(
                "names must have at most {MAX_ATTRIBUTE_NAME} characters, values at most {MAX_ATTRIBUTE_VALUE}"
            )));
        }
    }
    Ok(())
}

/// Distinguishes `null` from a missing field: deserializes a present one as `Some`; `#[serde(default)]` makes a missing one `None`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
