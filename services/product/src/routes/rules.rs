//! Validation rules for the fields of bodies.

#![expect(
    clippy::option_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "garde calls its rules with references; `present` has three cases"
)]

use std::collections::BTreeMap;

use garde::{Error, Path, Report, Validate};
use serde::{Deserialize, Deserializer};
use souk_kit::text::{Line, Paragraphs, check_line, check_paragraphs};
use souk_values::Money;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    category::MAX_CATEGORY_NAME,
    description::{self, MAX_HTML},
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

/// HTML of a description. Cleaned when the body is deserialized, once for its check and its value; `None` if it is empty.
#[derive(Debug, Deserialize)]
#[serde(from = "Paragraphs<MAX_HTML>")]
pub(crate) struct DescriptionHtml(Result<Option<description::Description>, Error>);

impl From<Paragraphs<MAX_HTML>> for DescriptionHtml {
    fn from(html: Paragraphs<MAX_HTML>) -> Self {
        let html = html.as_ref();
        if html.is_empty() {
            return Self(Ok(None));
        }
        let read = check_paragraphs(html, MAX_HTML).and_then(|()| {
            let read = description::Description::read(html);
            read.check().map_err(Error::new)?;
            Ok(read)
        });
        Self(read.map(Some))
    }
}

impl Validate for DescriptionHtml {
    type Context = ();

    /// Requires HTML of which neither the safe part nor the text is too long.
    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Err(error) = &self.0 {
            report.append(parent(), error.clone());
        }
    }
}

impl PartialSchema for DescriptionHtml {
    fn schema() -> RefOr<Schema> {
        Paragraphs::<MAX_HTML>::schema()
    }
}

impl ToSchema for DescriptionHtml {}

/// Returns text and safe HTML of the description that a valid body gives. HTML decides the text too; empty HTML only removes
/// the markup.
pub(crate) fn described(text: Option<Description>, html: Option<DescriptionHtml>) -> (Option<String>, Option<String>) {
    match html.map(|html| html.0.ok().flatten()) {
        Some(Some(read)) => (Some(read.text), Some(read.html)),
        Some(None) => (text.map(Into::into), Some(String::new())),
        None => (text.map(Into::into), None),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn html(html: &str) -> DescriptionHtml {
        serde_json::from_value(html.into()).unwrap()
    }

    #[test]
    fn html_decides_the_text_and_an_empty_one_removes_the_markup() {
        let text = |text: &str| Some(serde_json::from_value::<Description>(text.into()).unwrap());
        let owned = |text: &str| Some(text.to_owned());
        let read = html("<p onclick=x>Caf&eacute;</p>");
        assert!(read.validate().is_ok());
        assert_eq!(described(text("other"), Some(read)), (owned("Café"), owned("<p>Café</p>")));
        assert_eq!(described(text("other"), Some(html("<script>x</script>"))), (owned(""), owned("")));
        assert_eq!(described(text("other"), Some(html(" "))), (owned("other"), owned("")));
        assert_eq!(described(text("other"), None), (owned("other"), None));
        assert_eq!(described(None, None), (None, None));
    }

    #[test]
    fn html_is_refused_by_its_own_length_by_that_of_its_text_and_by_its_characters() {
        for wrong in
            ["x".repeat(MAX_HTML + 1), format!("<p>{}</p>", "x".repeat(MAX_DESCRIPTION + 1)), "\u{202e}".into()]
        {
            assert!(html(&wrong).validate().is_err(), "{wrong:.20}");
        }
    }
}
