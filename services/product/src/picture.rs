//! A picture: its id, its sizes, and the encodings that are accepted.

mod render;

use std::fmt;

use image::ImageFormat;
use sha2::{Digest, Sha256};

pub(crate) use render::{Rendered, Rendition, UnreadablePicture, render};

/// Maximum width and height of an uploaded picture in pixels.
pub(crate) const MAX_EDGE: u32 = 8_000;

/// SHA-256 of the uploaded bytes as 64 lower-case hexadecimal digits, so that the same bytes are the same picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PictureId(String);

impl PictureId {
    pub(crate) fn of(original: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(original)))
    }

    /// Parses an id. Every other text is refused, so that an id is safe as a part of a path.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// Returns the path at which the gateway serves the largest size.
    pub(crate) fn url(&self) -> String {
        format!("/api/pictures/{self}/{}", PictureSize::Page)
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureSize {
    /// For lists of products.
    Thumb,
    Medium,
    Page,
}

impl PictureSize {
    pub(crate) const ALL: [Self; 3] = [Self::Thumb, Self::Medium, Self::Page];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Medium => "medium",
            Self::Page => "page",
        }
    }

    /// Returns the maximum width and height in pixels.
    fn edge(self) -> u32 {
        match self {
            Self::Thumb => 320,
            Self::Medium => 640,
            Self::Page => 1_200,
        }
    }
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Encoding of a stored picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredAs {
    /// Lossy, for callers that accept it.
    WebP,
    /// JPEG for everyone else; WebP when a pixel is transparent, because JPEG has no transparency.
    Fallback,
}

impl StoredAs {
    /// Returns the end of the name of the object.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::WebP => ".webp",
            Self::Fallback => "",
        }
    }
}

/// Encoding of an uploaded picture, as its `Content-Type` declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Jpeg,
    Png,
    WebP,
}

impl Encoding {
    /// `media_type` has no parameters; its case does not matter.
    pub(crate) fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.to_ascii_lowercase().as_str() {
            "image/jpeg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "image/webp" => Some(Self::WebP),
            _ => None,
        }
    }

    fn format(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::WebP => ImageFormat::WebP,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_parsed() {
        let id = PictureId::of(b"abc");
        assert_eq!(id.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(PictureId::parse(&id.to_string()), Some(id.clone()));
        let slashes = "../".repeat(21) + "a";
        for text in ["", "ab", &id.to_string().to_uppercase(), &format!("{id}0"), &"é".repeat(32), &slashes] {
            assert_eq!(PictureId::parse(text), None, "{text}");
        }
        assert_eq!(id.url(), format!("/api/pictures/{id}/page"));
    }

    #[test]
    fn sizes_have_names() {
        assert_eq!(
            ["thumb", "medium", "page"].map(PictureSize::named),
            [Some(PictureSize::Thumb), Some(PictureSize::Medium), Some(PictureSize::Page)]
        );
        assert_eq!((PictureSize::named("Thumb"), PictureSize::named("")), (None, None));
    }
}
