//! `POST /products/{productId}/picture`.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, State},
    response::Response,
};
use souk_kit::{
    auth::Admin,
    extract::{IfMatch, Path},
};
use souk_values::ProductId;

use super::{product_view::ProductView, replace_product::shown, upload};
use crate::{App, error::ProductError, picture::Encoding, product::Edit, store::StoreError};

/// The largest picture, bytes.
const MAX_PICTURE: usize = 5 * 1024 * 1024;

/// A picture as the body, not yet looked into. Errors: 415 another type, 413 too large, 400 broken off.
#[derive(Debug)]
pub struct PictureFile(Bytes, Encoding);

impl<S: Send + Sync> FromRequest<S> for PictureFile {
    type Rejection = ProductError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProductError> {
        let encoding = Encoding::of_media_type(upload::media_type(request.headers()));
        let encoding = encoding.ok_or(ProductError::PictureNotSupported)?;
        Ok(Self(upload::whole(request.into_body(), MAX_PICTURE).await?, encoding))
    }
}

/// Gives a product its picture: JPEG, PNG or WebP, at most 5 MiB and 8,000 × 8,000 pixels.
///
/// `imageUrl` then is `/api/pictures/{pictureId}/page`; `…/thumb` is the small one. Both are made of the pixels alone,
/// upright, without place, time or camera. The id is the hash of the bytes, so sending them again changes nothing.
#[utoipa::path(post, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("If-Match" = String, Header, description = "The ETag that was read; its version counts"),
    ),
    request_body(content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `if_match.invalid`, `body.broken_off`"),
        (status = 404, description = "`product.not_found`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 413, description = "`body.too_large`"),
        (status = 415, description = "`picture.not_supported`"),
        (status = 422, description = "`picture.unreadable`"),
        (status = 428, description = "`if_match.required`"),
        (status = 503, description = "`pictures.unavailable`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
    PictureFile(file, encoding): PictureFile,
) -> Result<Response, ProductError> {
    // Only saves work: the edit itself looks again.
    if app.store.product(product_id).await?.version != seen {
        return Err(StoreError::Stale.into());
    }
    let picture = app.gallery.keep(file, encoding).await?;
    let edit = Edit { image_url: Some(Some(picture.url())), ..Edit::default() };
    app.store.edit(product_id, seen, edit).await.map(shown).map_err(ProductError::from)
}
