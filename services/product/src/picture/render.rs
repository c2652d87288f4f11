//! Decodes a picture within limits and scales it. The results contain pixels only, no metadata.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageReader, ImageResult, Limits,
    codecs::jpeg::JpegEncoder,
    error::{EncodingError, ImageFormatHint},
    imageops::FilterType,
};

use super::{Encoding, MAX_EDGE, PictureSize, StoredAs};

/// Maximum bytes of a decoded picture: the largest one with four channels of 8 bits.
const MAX_DECODED: u64 = 4 * 8_000 * 8_000;
/// Quality from 1 to 100.
const JPEG_QUALITY: u8 = 85;
/// Quality from 0 to 100, with which WebP looks as JPEG does with its.
const WEBP_QUALITY: f32 = 80.0;

/// A picture in one size and encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendition {
    pub size: PictureSize,
    pub stored_as: StoredAs,
    pub bytes: Vec<u8>,
}

/// A picture in all sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    /// Size of the largest rendition in pixels.
    pub width: u32,
    pub height: u32,
    pub renditions: Vec<Rendition>,
}

/// The upload is not a picture of the declared encoding, or too large a one.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file is not a picture of the type in Content-Type with at most {MAX_EDGE} × {MAX_EDGE} pixels and {} MB decoded",
    MAX_DECODED / 1_000_000
)]
pub(crate) struct UnreadablePicture;

/// Renders the picture in all sizes and encodings, upright and never enlarged.
///
/// Blocks for up to seconds, and allocates a few hundred megabytes meanwhile.
pub(crate) fn render(original: &[u8], encoding: Encoding) -> Result<Rendered, UnreadablePicture> {
    renditions(original, encoding).map_err(|error| {
        tracing::info!(error = %error, "an uploaded picture could not be decoded");
        UnreadablePicture
    })
}

fn renditions(original: &[u8], encoding: Encoding) -> ImageResult<Rendered> {
    let page = upright_page(original, encoding)?;
    let (width, height) = (page.width(), page.height());
    let is_opaque = !page.color().has_alpha() || page.to_rgba8().pixels().all(|pixel| pixel.0.ends_with(&[u8::MAX]));
    let mut renditions = Vec::new();
    let mut image = page;
    // Each size is made of the one above.
    for size in PictureSize::ALL.into_iter().rev() {
        image = fit(image, size);
        let webp = webp(&image, is_opaque)?;
        let fallback = if is_opaque { jpeg(&image)? } else { webp.clone() };
        renditions.push(Rendition { size, stored_as: StoredAs::WebP, bytes: webp });
        renditions.push(Rendition { size, stored_as: StoredAs::Fallback, bytes: fallback });
    }
    Ok(Rendered { width, height, renditions })
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

fn jpeg(image: &DynamicImage) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&image.to_rgb8())?;
    Ok(bytes)
}

fn webp(image: &DynamicImage, is_opaque: bool) -> ImageResult<Vec<u8>> {
    let failed = |error: webp::WebPEncodingError| {
        let hint = ImageFormatHint::Exact(image::ImageFormat::WebP);
        ImageError::Encoding(EncodingError::new(hint, format!("{error:?}")))
    };
    let (width, height) = (image.width(), image.height());
    let encoded = if is_opaque {
        webp::Encoder::from_rgb(&image.to_rgb8(), width, height).encode_simple(false, WEBP_QUALITY)
    } else {
        webp::Encoder::from_rgba(&image.to_rgba8(), width, height).encode_simple(false, WEBP_QUALITY)
    };
    Ok(encoded.map_err(failed)?.to_vec())
}
