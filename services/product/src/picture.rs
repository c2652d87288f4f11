//! A picture: its id, its sizes, and how they are made of what was sent.

mod render;

use std::fmt;

use image::ImageFormat;
use sha2::{Digest, Sha256};

pub use render::{Rendition, Unreadable, render};

/// The most of a picture's width, and of its height, in pixels.
pub const MAX_EDGE: u32 = 8_000;

/// The SHA-256 of what was sent, as 64 lower-case hexadecimal digits. The same bytes are the same picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureId(String);

impl PictureId {
    /// Of these bytes.
    #[must_use]
    pub fn of(original: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(original)))
    }

    /// Reads an id; nothing else gets through, so that an id is safe as a part of a path.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let is_id = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// Where the gateway serves it in full size.
    #[must_use]
    pub fn url(&self) -> String {
        format!("/api/pictures/{self}/{}", Size::Page)
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A size that a picture is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For lists.
    Thumb,
    /// For the product's page.
    Page,
}

impl Size {
    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Thumb, Self::Page].into_iter().find(|size| size.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Page => "page",
        }
    }

    /// The most of width and height, pixels.
    fn edge(self) -> u32 {
        match self {
            Self::Thumb => 320,
            Self::Page => 1_200,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a sent picture is encoded, by what its sender says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    WebP,
}

impl Encoding {
    /// By its media type without parameters, in whatever case.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
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
    fn only_ids_are_read() {
        let id = PictureId::of(b"abc");
        assert_eq!(id.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(PictureId::read(&id.to_string()), Some(id.clone()));
        let slashes = "../".repeat(21) + "a";
        for text in ["", "ab", &id.to_string().to_uppercase(), &format!("{id}0"), &"é".repeat(32), &slashes] {
            assert_eq!(PictureId::read(text), None, "{text}");
        }
        assert_eq!(id.url(), format!("/api/pictures/{id}/page"));
    }

    #[test]
    fn sizes_have_names() {
        assert_eq!((Size::named("thumb"), Size::named("page")), (Some(Size::Thumb), Some(Size::Page)));
        assert_eq!((Size::named("Thumb"), Size::named("")), (None, None));
    }
}
