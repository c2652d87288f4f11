//! `GET /pictures/{pictureId}/{size}`: serves a picture.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::extract::Path;

use super::conditional;
use crate::{
    app::App,
    error::ProductError,
    picture::{PictureId, PictureSize},
};

/// A picture's id is the hash of its bytes, so the content of a URL never changes.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Returns a picture: `thumb` fits into 320 × 320 pixels, `page` into 1,200 × 1,200.
#[utoipa::path(get, path = "",
    params(
        ("pictureId" = String, Path, description = "Id of the picture: 64 hexadecimal digits",
            example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("size" = String, Path, description = "Size of the picture: `thumb` or `page`", example = "thumb"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the representation that you have"),
    ),
    responses(
        (status = 200, description = "The picture, which never changes", content(("image/jpeg"), ("image/webp")),
            headers(("ETag" = String))),
        (status = 304, description = "Your representation is current"),
        (status = 404, description = "`picture.not_found`"),
        (status = 503, description = "`pictures.unavailable`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    Path((id, size)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let id = PictureId::parse(&id).ok_or(ProductError::PictureNotFound)?;
    let size = PictureSize::named(&size).ok_or(ProductError::PictureNotFound)?;
    let picture = app.pictures.get(&id, size).await?.ok_or(ProductError::PictureNotFound)?;
    let tag = HeaderValue::try_from(format!("\"{id}-{size}\"")).map_err(|_| ProductError::PictureNotFound)?;
    let is_current = conditional::is_current(&headers, &tag);
    let common = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if is_current {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    // A rendition is JPEG or WebP, and a WebP file begins with the tag of its container.
    let media_type = if picture.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    Ok((common, [(header::CONTENT_TYPE, media_type)], picture).into_response())
}
