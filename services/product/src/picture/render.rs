//! Decodes a picture within limits and makes its sizes of it. Nothing but pixels gets into them.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageReader, ImageResult, Limits,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    imageops::FilterType,
};

use super::{Encoding, MAX_EDGE, Size};

/// Bytes that a decoded picture may take: the largest one with four channels of 8 bits.
const MAX_DECODED: u64 = 4 * 8_000 * 8_000;
/// Of 100.
const JPEG_QUALITY: u8 = 85;

/// One size of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendition {
    /// Which size.
    pub size: Size,
    /// JPEG, or WebP if some of it is transparent.
    pub bytes: Vec<u8>,
}

/// What was sent is no picture of that encoding, or too large a one.
#[derive(Debug, thiserror::Error)]
#[error(
    "this cannot be read as a picture of its Content-Type with at most {MAX_EDGE} × {MAX_EDGE} pixels and {} MB decoded",
    MAX_DECODED / 1_000_000
)]
pub struct Unreadable;

/// All sizes of the picture, upright. It is never enlarged.
///
/// Takes up to seconds and, for the moment, some hundred megabytes.
pub fn render(original: &[u8], encoding: Encoding) -> Result<[Rendition; 2], Unreadable> {
    renditions(original, encoding).map_err(|error| {
        tracing::info!(error = %error, "a picture was refused");
        Unreadable
    })
}

fn renditions(original: &[u8], encoding: Encoding) -> ImageResult<[Rendition; 2]> {
    let page = upright_page(original, encoding)?;
    let is_opaque = !page.color().has_alpha() || page.to_rgba8().pixels().all(|pixel| pixel.0.ends_with(&[u8::MAX]));
    let page_bytes = encode(&page, is_opaque)?;
    let thumb_bytes = encode(&fit(page, Size::Thumb), is_opaque)?;
    Ok([Rendition { size: Size::Thumb, bytes: thumb_bytes }, Rendition { size: Size::Page, bytes: page_bytes }])
}

/// The limits hold before anything is decoded, by what the picture says of itself.
fn upright_page(original: &[u8], encoding: Encoding) -> ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_EDGE);
    limits.max_image_height = Some(MAX_EDGE);
    limits.max_alloc = Some(MAX_DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(original), encoding.format());
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let mut page = fit(DynamicImage::from_decoder(decoder)?, Size::Page);
    page.apply_orientation(orientation);
    Ok(page)
}

fn fit(image: DynamicImage, size: Size) -> DynamicImage {
    let edge = size.edge();
    if image.width() <= edge && image.height() <= edge {
        return image;
    }
    image.resize(edge, edge, FilterType::CatmullRom)
}

fn encode(image: &DynamicImage, is_opaque: bool) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_opaque {
        JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&image.to_rgb8())?;
    } else {
        let pixels = image.to_rgba8();
        let (width, height) = pixels.dimensions();
        WebPEncoder::new_lossless(&mut bytes).encode(pixels.as_raw(), width, height, ExtendedColorType::Rgba8)?;
    }
    Ok(bytes)
}
