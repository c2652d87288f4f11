//! `GET /pictures/{pictureId}/{size}`.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use souk_kit::extract::Path;

use super::conditional;
use crate::{
    App,
    error::ProductError,
    picture::{PictureId, Size},
};

/// What is behind an id never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Shows a picture: `thumb` fits 320 × 320 pixels, `page` 1,200 × 1,200.
#[utoipa::path(get, path = "",
    params(
        ("pictureId" = String, Path, description = "Which picture: 64 hexadecimal digits",
            example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("size" = String, Path, description = "`thumb` or `page`", example = "thumb"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag at hand"),
    ),
    responses(
        (status = 200, description = "The picture; it never changes", content(("image/jpeg"), ("image/webp")),
            headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
        (status = 404, description = "`picture.not_found`"),
        (status = 503, description = "`pictures.unavailable`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    Path((id, size)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let id = PictureId::read(&id).ok_or(ProductError::NoPicture)?;
    let size = Size::named(&size).ok_or(ProductError::NoPicture)?;
    let picture = app.gallery.show(&id, size).await?.ok_or(ProductError::NoPicture)?;
    let tag = HeaderValue::try_from(format!("\"{id}-{size}\"")).map_err(|_| ProductError::NoPicture)?;
    let is_had = conditional::has(&headers, &tag);
    let common = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, FOR_EVER),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if is_had {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let media_type = if picture.starts_with(b"RIFF") { "image/webp" } else { "image/jpeg" };
    Ok((common, [(header::CONTENT_TYPE, media_type)], picture).into_response())
}
