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

/// Returns a picture: `thumb` fits into 320 × 320 pixels, `medium` into 640 × 640, `page` into 1,200 × 1,200. It is WebP for
/// callers whose `Accept` names `image/webp`, and for pictures with transparency; else JPEG.
#[utoipa::path(get, path = "",
    params(
        ("pictureId" = String, Path, description = "Id of the picture: 64 hexadecimal digits",
            example = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("size" = String, Path, description = "Size of the picture: `thumb`, `medium` or `page`", example = "thumb"),
        ("Accept" = Option<String>, Header, description = "Media types that you can show"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the representation that you have"),
    ),
    responses(
        (status = 200, description = "The picture, which never changes", content(("image/jpeg"), ("image/webp")),
            headers(("ETag" = String), ("Vary" = String))),
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
    let accepts_webp = accepts_webp(&headers);
    let picture = app.pictures.get(&id, size, accepts_webp).await?.ok_or(ProductError::PictureNotFound)?;
    // A rendition is JPEG or WebP, and a WebP file begins with the tag of its container.
    let (media_type, end) = if picture.starts_with(b"RIFF") { ("image/webp", "-webp") } else { ("image/jpeg", "") };
    let tag = HeaderValue::try_from(format!("\"{id}-{size}{end}\"")).map_err(|_| ProductError::PictureNotFound)?;
    let is_current = conditional::is_current(&headers, &tag);
    let common = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, IMMUTABLE),
        (header::VARY, HeaderValue::from_static("accept")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if is_current {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    Ok((common, [(header::CONTENT_TYPE, media_type)], picture).into_response())
}

/// Returns true when `Accept` names WebP. `image/*` and `*/*` are also sent by programs that cannot show it.
fn accepts_webp(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let is_webp = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("image/webp"));
        let is_refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        is_webp && !is_refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webp_is_for_those_who_name_it() {
        let accepts = |value: &'static str| {
            accepts_webp(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(value))]))
        };
        assert!(accepts("image/avif,image/webp,*/*") && accepts("text/html, Image/WebP;q=0.5"));
        assert!(!accepts("image/webp;q=0") && !accepts("*/*") && !accepts("image/*") && !accepts(""));
        assert!(!accepts_webp(&HeaderMap::new()));
    }
}
