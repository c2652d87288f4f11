//! `POST /products/{productId}/picture`: stores a picture and gives it to a product.

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

use super::{
    product_view::{self, ProductView},
    upload,
};
use crate::{app::App, error::ProductError, gallery, picture::Encoding, product::ProductEdit, store::StoreError};

/// Maximum size of an upload in bytes.
const MAX_PICTURE: usize = 5 * 1024 * 1024;

/// An uploaded picture, not decoded yet. Errors: 415 another type, 413 too large, 400 incomplete.
#[derive(Debug)]
pub(crate) struct PictureFile(Bytes, Encoding);

impl<S: Send + Sync> FromRequest<S> for PictureFile {
    type Rejection = ProductError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProductError> {
        let encoding = Encoding::of_media_type(upload::media_type(request.headers()));
        let encoding = encoding.ok_or(ProductError::PictureNotSupported)?;
        Ok(Self(upload::read(request.into_body(), MAX_PICTURE).await?, encoding))
    }
}

/// Adds a picture to those of a product, as the last one: JPEG, PNG or WebP, at most 5 MiB and 8,000 × 8,000 pixels. For
/// admins.
///
/// Its URL is `/api/pictures/{pictureId}/page`; `…/medium` and `…/thumb` are smaller. All are upright and contain no metadata
/// such as place, time or camera. The id is the hash of the uploaded bytes, so a repeated upload changes nothing. PATCH
/// `pictures` to arrange or remove pictures and to describe them.
#[utoipa::path(post, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
        ("If-Match" = String, Header, description = "ETag of the product as you read it; only its version part is compared"),
    ),
    request_body(content(("image/jpeg"), ("image/png"), ("image/webp"))),
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `if_match.invalid`, `body.broken_off`"),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`picture.too_many`"),
        (status = 412, description = "`if_match.stale`"),
        (status = 413, description = "`body.too_large`"),
        (status = 415, description = "`picture.not_supported`"),
        (status = 422, description = "`picture.unreadable`"),
        (status = 428, description = "`if_match.required`"),
        (status = 503, description = "`pictures.unavailable`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    IfMatch(seen): IfMatch,
    PictureFile(file, encoding): PictureFile,
) -> Result<Response, ProductError> {
    // Saves the work of decoding; the edit checks the version again.
    let product = app.store.product(product_id).await?;
    if product.version != seen {
        return Err(StoreError::Stale.into());
    }
    let picture = app.pictures.put(file, encoding).await?;
    let pictures = gallery::with_added(&product.details.pictures, picture).ok_or(ProductError::TooManyPictures)?;
    let edit = ProductEdit { pictures: Some(pictures), ..ProductEdit::default() };
    product_view::response(&app, app.store.edit(product_id, seen, edit, None).await?).await
}
