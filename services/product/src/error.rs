//! Errors of the handlers, each with its status and stable code.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::{
    Problem,
    extract::{Idempotency, IfMatch},
};

use crate::{
    import::{ImportError, UnreadableFile},
    picture_store::PictureStoreError,
    store::StoreError,
};

/// The text of a variant is the `detail` of the problem, without capital and full stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProductError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("prices in this shop are in {0}; send the price in that currency")]
    WrongCurrency(souk_values::Currency),
    /// An invalid query parameter.
    #[error("{0}")]
    Query(String),
    #[error("the file must be CSV; send it with 'Content-Type: text/csv'")]
    NotCsv,
    #[error("the file is larger than the limit of {0} bytes")]
    FileTooLarge(usize),
    /// The connection broke before the body was complete.
    #[error("the upload ended before the file was complete; send it again")]
    BrokenOff,
    /// An answer that cannot be written.
    #[error("the answer cannot be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Unreadable(#[from] UnreadableFile),
    #[error(transparent)]
    PictureStore(#[from] PictureStoreError),
    #[error("the picture must be JPEG, PNG or WebP; send it with its 'Content-Type'")]
    PictureNotSupported,
    #[error("the product has as many pictures as it may have; remove one first")]
    TooManyPictures,
    #[error("no picture has this id and size")]
    PictureNotFound,
    /// Refused by an extractor of the kit.
    #[error("{}", .0.code)]
    Extractor(Problem),
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
            ProductError::Extractor(problem) => return problem,
            ProductError::Store(error) => match error {
                StoreError::Sql(error) => return Problem::store(&error),
                StoreError::Stale => return IfMatch::stale(),
                StoreError::KeyReused => return Idempotency::reused(),
                StoreError::ProductNotFound => (StatusCode::NOT_FOUND, "product.not_found"),
                StoreError::CategoryNotFound(_) => (StatusCode::NOT_FOUND, "category.not_found"),
                StoreError::SkuTaken => (StatusCode::CONFLICT, "product.sku_taken"),
                StoreError::SlugTaken => (StatusCode::CONFLICT, "product.slug_taken"),
                StoreError::OptionsTaken => (StatusCode::CONFLICT, "product.options_taken"),
                StoreError::CategorySlugTaken => (StatusCode::CONFLICT, "category.slug_taken"),
                StoreError::CategoryInUse => (StatusCode::CONFLICT, "category.in_use"),
                StoreError::CategoryCycle => (StatusCode::UNPROCESSABLE_ENTITY, "category.cycle"),
                StoreError::StockOutOfRange(_) | StoreError::StockFull { .. } => {
                    (StatusCode::CONFLICT, "stock.out_of_range")
                }
                StoreError::GroupUnknown(_) => (StatusCode::UNPROCESSABLE_ENTITY, "group.unknown"),
                StoreError::CategoryUnknown(_) => (StatusCode::UNPROCESSABLE_ENTITY, "category.unknown"),
            },
            ProductError::WrongCurrency(_) => (StatusCode::UNPROCESSABLE_ENTITY, "price.wrong_currency"),
            ProductError::Query(_) => (StatusCode::BAD_REQUEST, "query.invalid"),
            ProductError::Unwritable(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
            ProductError::NotCsv => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "body.not_csv"),
            ProductError::FileTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large"),
            ProductError::BrokenOff => (StatusCode::BAD_REQUEST, "body.broken_off"),
            ProductError::Unreadable(UnreadableFile::NoColumn(_)) => (StatusCode::BAD_REQUEST, "import.no_column"),
            ProductError::Unreadable(UnreadableFile::Spreadsheet) => (StatusCode::BAD_REQUEST, "import.not_csv"),
            ProductError::PictureStore(PictureStoreError::Unreadable(_)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "picture.unreadable")
            }
            ProductError::PictureStore(PictureStoreError::NotPermitted(denied)) => {
                return Problem::unavailable("pictures", &denied).retry_after(denied.retry_after);
            }
            ProductError::PictureStore(error @ PictureStoreError::Unavailable(_)) => {
                return Problem::unavailable("pictures", &error);
            }
            ProductError::PictureNotSupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "picture.not_supported"),
            ProductError::TooManyPictures => (StatusCode::CONFLICT, "picture.too_many"),
            ProductError::PictureNotFound => (StatusCode::NOT_FOUND, "picture.not_found"),
        };
        Problem::new(status, code, detail)
    }
}

impl IntoResponse for ProductError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

/// Turns an error text into a sentence: `no product has this id` into `No product has this id.`
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).chain(std::iter::once('.')).collect()
}
