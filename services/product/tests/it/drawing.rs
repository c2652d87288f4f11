//! Pictures to upload, and a decoder for the results.

use std::io::Cursor;

use image::{DynamicImage, ImageEncoder, ImageFormat, ImageReader, RgbImage, codecs::jpeg::JpegEncoder};

/// Draws an opaque picture of this size.
pub fn drawn(width: u32, height: u32) -> DynamicImage {
    let shade = |position: u32| u8::try_from(position % 256).unwrap();
    RgbImage::from_fn(width, height, |x, y| image::Rgb([shade(x), shade(y), 90])).into()
}

pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Returns a JPEG whose EXIF metadata rotates it by 90 degrees and contains `note`.
pub fn photo_on_its_side(width: u32, height: u32, note: &[u8]) -> Vec<u8> {
    // Big-endian TIFF with one entry: tag 0x0112 (orientation), a short, once, 6.
    let mut exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(note);
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif).unwrap();
    encoder.encode_image(&drawn(width, height)).unwrap();
    bytes
}

/// Returns a PNG that declares this size and contains almost no data.
pub fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, 6, 0, 0, 0]);
    // An empty zlib stream.
    let data = b"IDAT\x78\x9c\x03\0\0\0\0\x01".to_vec();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, data, b"IEND".to_vec()] {
        bytes.extend_from_slice(&u32::try_from(chunk.len() - 4).unwrap().to_be_bytes());
        bytes.extend_from_slice(&chunk);
        bytes.extend_from_slice(&crc32(&chunk).to_be_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let turned = |crc: u32| (0..8).fold(crc, |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)));
    !bytes.iter().fold(u32::MAX, |crc, byte| turned(crc ^ u32::from(*byte)))
}

/// Decodes a picture, and returns its format, width and height.
pub fn read(bytes: &[u8]) -> (ImageFormat, (u32, u32)) {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap();
    let format = reader.format().unwrap();
    let image = reader.decode().unwrap();
    (format, (image.width(), image.height()))
}
