//! Decodes a picture within limits and scales it. The results contain pixels only, no metadata.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageReader, ImageResult, Limits,
    codecs::{jpeg::JpegEncoder, webp::WebPEncoder},
    imageops::FilterType,
};

use super::{Encoding, MAX_EDGE, PictureSize};

/// Maximum bytes of a decoded picture: the largest one with four channels of 8 bits.
const MAX_DECODED: u64 = 4 * 8_000 * 8_000;
/// Quality from 1 to 100.
const JPEG_QUALITY: u8 = 85;

/// A picture in one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendition {
    pub size: PictureSize,
    /// JPEG, or WebP when a pixel is transparent.
    pub bytes: Vec<u8>,
}

/// The upload is not a picture of the declared encoding, or too large a one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file is not a picture of the type in Content-Type with at most {MAX_EDGE} × {MAX_EDGE} pixels and {} MB decoded",
    MAX_DECODED / 1_000_000
)]
pub(crate) struct UnreadablePicture;

/// Renders the picture in all sizes, upright and never enlarged.
///
/// Blocks for up to seconds, and allocates a few hundred megabytes meanwhile.
pub(crate) fn render(original: &[u8], encoding: Encoding) -> Result<[Rendition; 2], UnreadablePicture> {
    renditions(original, encoding).map_err(|error| {
        tracing::info!(error = %error, "an uploaded picture could not be decoded");
        UnreadablePicture
    })
}

fn renditions(original: &[u8], encoding: Encoding) -> ImageResult<[Rendition; 2]> {
    let page = upright_page(original, encoding)?;
    let is_opaque = !page.color().has_alpha() || page.to_rgba8().pixels().all(|pixel| pixel.0.ends_with(&[u8::MAX]));
    let page_bytes = encode(&page, is_opaque)?;
    let thumb_bytes = encode(&fit(page, PictureSize::Thumb), is_opaque)?;
    Ok([
        Rendition { size: PictureSize::Thumb, bytes: thumb_bytes },
        Rendition { size: PictureSize::Page, bytes: page_bytes },
    ])
}

/// Checks the declared dimensions before decoding: a file of a few bytes may declare gigabytes of pixels.
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
    let mut page = fit(DynamicImage::from_decoder(decoder)?, PictureSize::Page);
    page.apply_orientation(orientation);
    Ok(page)
}

fn fit(image: DynamicImage, size: PictureSize) -> DynamicImage {
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
