//! What can go wrong in product, and the answer each error becomes.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{
    Problem,
    extract::{Idempotency, IfMatch},
};

use crate::{
    gallery::GalleryError,
    import::{ImportError, Unreadable},
    store::StoreError,
};

/// A refusal or failure of product.
#[derive(Debug, thiserror::Error)]
pub enum ProductError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A price in a currency that is not the shop's.
    #[error("prices of this shop are in {0}")]
    WrongCurrency(souk_values::Currency),
    /// A query that cannot be read.
    #[error("{0}")]
    Query(String),
    /// A body that is not said to be CSV.
    #[error("send the file as CSV, with 'Content-Type: text/csv'")]
    NotCsv,
    /// A file that is too large.
    #[error("the file may have at most {0} bytes")]
    FileTooLarge(usize),
    /// The body ended before its end.
    #[error("the file broke off before its end")]
    BrokenOff,
    /// A file that cannot be imported.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A picture that cannot be kept or shown.
    #[error(transparent)]
    Gallery(#[from] GalleryError),
    /// A body that is not said to be a picture of a known kind.
    #[error("send a picture as JPEG, PNG or WebP, with its Content-Type")]
    PictureNotSupported,
    /// There is no such picture in this size.
    #[error("there is no such picture")]
    NoPicture,
    /// Refused by the frame: authorisation.
    #[error("{}", .0.code)]
    Frame(Problem),
}

impl From<ImportError> for ProductError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Unreadable(error) => Self::Unreadable(error),
            ImportError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ProductError> for Problem {
    fn from(error: ProductError) -> Self {
        let detail = sentence(&error.to_string());
        let (status, code) = match error {
            ProductError::Frame(problem) => return problem,
            ProductError::Store(error) => match error {
                StoreError::Sql(error) => return Problem::store(&error),
                StoreError::Stale => return IfMatch::stale(),
                StoreError::KeyReused => return Idempotency::reused(),
                StoreError::ProductNotFound => (StatusCode::NOT_FOUND, "product.not_found"),
                StoreError::CategoryNotFound(_) => (StatusCode::NOT_FOUND, "category.not_found"),
                StoreError::SkuTaken => (StatusCode::CONFLICT, "product.sku_taken"),
                StoreError::SlugTaken => (StatusCode::CONFLICT, "product.slug_taken"),
                StoreError::CategorySlugTaken => (StatusCode::CONFLICT, "category.slug_taken"),
                StoreError::CategoryInUse => (StatusCode::CONFLICT, "category.in_use"),
                StoreError::CategoryCycle => (StatusCode::UNPROCESSABLE_ENTITY, "category.cycle"),
                StoreError::StockOutOfRange(_) => (StatusCode::CONFLICT, "stock.out_of_range"),
                StoreError::CategoryUnknown(_) => (StatusCode::UNPROCESSABLE_ENTITY, "category.unknown"),
            },
            ProductError::WrongCurrency(_) => (StatusCode::UNPROCESSABLE_ENTITY, "price.wrong_currency"),
            ProductError::Query(_) => (StatusCode::BAD_REQUEST, "query.invalid"),
            ProductError::NotCsv => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "body.not_csv"),
            ProductError::FileTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large"),
            ProductError::BrokenOff => (StatusCode::BAD_REQUEST, "body.broken_off"),
            ProductError::Unreadable(Unreadable::NoColumn(_)) => (StatusCode::BAD_REQUEST, "import.no_column"),
            ProductError::Unreadable(Unreadable::NotCsv(_)) => (StatusCode::BAD_REQUEST, "import.not_csv"),
            ProductError::Gallery(GalleryError::Unreadable(_)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "picture.unreadable")
            }
            ProductError::Gallery(GalleryError::NotNow(denied)) => {
                return Problem::unavailable("pictures", &denied).retry_after(denied.retry_after);
            }
            ProductError::Gallery(error @ GalleryError::Away(_)) => return Problem::unavailable("pictures", &error),
            ProductError::PictureNotSupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "picture.not_supported"),
            ProductError::NoPicture => (StatusCode::NOT_FOUND, "picture.not_found"),
        };
        Problem::new(status, code, detail)
    }
}

impl IntoResponse for ProductError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// `there is no such product` becomes `There is no such product.`
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(std::iter::once('.')).collect()
}
