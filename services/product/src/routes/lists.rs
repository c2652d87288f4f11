//! Fields of bodies that are lists: options, tags and pictures.

use std::collections::BTreeSet;

use garde::{Error, Path, Report, Validate};
use serde::Deserialize;
use souk_kit::text::{Line, Paragraphs, check_line, check_paragraphs};
use utoipa::ToSchema;

use super::rules::ImageUrl;
use crate::{
    gallery::{self, MAX_ALT, MAX_PICTURES, ProductPicture},
    import::is_image_url,
    product::{MAX_ATTRIBUTE_NAME, MAX_ATTRIBUTE_VALUE, MAX_TAG, MAX_TAGS},
    variant::{MAX_OPTIONS, NO_OPTION, ProductOption},
};

type OptionName = Line<MAX_ATTRIBUTE_NAME>;
type OptionValue = Line<MAX_ATTRIBUTE_VALUE>;
type Tag = Line<MAX_TAG>;
type Alt = Paragraphs<MAX_ALT>;

/// Options of a product, each name once.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Options(#[schema(inline)] Vec<OptionField>);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Diameter", "value": "20 cm"}))]
struct OptionField {
    /// Name of the property that the variants differ in, at most 60 characters.
    #[schema(inline)]
    name: OptionName,
    /// The value of this variant, at most 300 characters.
    #[schema(inline)]
    value: OptionValue,
}

impl Validate for Options {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let mut refuse = |error: Error| report.append(parent(), error);
        if self.0.len() > MAX_OPTIONS {
            refuse(Error::new(format!("must have at most {MAX_OPTIONS} options")));
        }
        let names: BTreeSet<_> = self.0.iter().map(|option| option.name.as_ref()).collect();
        if names.len() < self.0.len() {
            refuse(Error::new("must have each name once"));
        }
        for option in &self.0 {
            if let Err(error) = check_line(option.name.as_ref(), MAX_ATTRIBUTE_NAME) {
                refuse(Error::new(format!("the name of each {error}")));
            }
            if let Err(error) = check_line(option.value.as_ref(), MAX_ATTRIBUTE_VALUE) {
                refuse(Error::new(format!("the value of each {error}")));
            }
            if option.value.as_ref() == NO_OPTION {
                refuse(Error::new(format!("'{NO_OPTION}' stands for no option in files; leave the option out")));
            }
        }
    }
}

impl From<Options> for Vec<ProductOption> {
    fn from(options: Options) -> Self {
        let option = |field: OptionField| ProductOption { name: field.name.into(), value: field.value.into() };
        options.0.into_iter().map(option).collect()
    }
}

/// Tags of a product, without commas, by which files separate them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Tags(#[schema(inline)] Vec<Tag>);

impl Validate for Tags {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let mut refuse = |error: Error| report.append(parent(), error);
        if self.0.len() > MAX_TAGS {
            refuse(Error::new(format!("must have at most {MAX_TAGS} tags")));
        }
        for tag in &self.0 {
            if let Err(error) = check_line(tag.as_ref(), MAX_TAG) {
                refuse(Error::new(format!("each {error}")));
            }
            if tag.as_ref().contains(',') {
                refuse(Error::new(format!("'{}' has a comma, which separates tags; give two tags", tag.as_ref())));
            }
        }
    }
}

impl From<Tags> for Vec<String> {
    fn from(tags: Tags) -> Self {
        let mut kept = Self::new();
        for tag in tags.0.into_iter().map(String::from) {
            if !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        kept
    }
}

/// Pictures of a product, the main one first.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Pictures(#[schema(inline)] Vec<PictureField>);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "/pictures/cookware.svg", "alt": "A skillet on a hob"}))]
struct PictureField {
    /// URL of the picture, or a path on this shop that begins with `/`.
    #[schema(inline)]
    url: ImageUrl,
    /// Text for those who do not see the picture, at most 500 characters. Default: empty.
    #[serde(default)]
    #[schema(inline)]
    alt: Alt,
    /// Width of the picture in pixels, if it is known.
    width: Option<u32>,
    /// Height of the picture in pixels, if it is known.
    height: Option<u32>,
}

impl Validate for Pictures {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let mut refuse = |error: Error| report.append(parent(), error);
        if self.0.len() > MAX_PICTURES {
            refuse(Error::new(format!("must have at most {MAX_PICTURES} pictures")));
        }
        for picture in &self.0 {
            if !is_image_url(picture.url.as_ref()) {
                refuse(Error::new("the url of each must begin with https://, http:// or /, without spaces"));
            }
            if let Err(error) = check_paragraphs(picture.alt.as_ref(), MAX_ALT) {
                refuse(Error::new(format!("the alt of each {error}")));
            }
        }
    }
}

impl From<Pictures> for Vec<ProductPicture> {
    fn from(pictures: Pictures) -> Self {
        let picture = |field: PictureField| ProductPicture {
            url: field.url.into(),
            alt: field.alt.into(),
            width: field.width,
            height: field.height,
        };
        gallery::distinct(pictures.0.into_iter().map(picture))
    }
}
