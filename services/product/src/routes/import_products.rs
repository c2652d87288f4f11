//! `POST /products/import`.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    http::header,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use souk_kit::auth::Admin;

use crate::{
    App,
    error::ProductError,
    import::{ImportReport, import_csv},
};

/// The largest file, bytes.
const MAX_FILE: usize = 20 * 1024 * 1024;

/// A CSV file as the body. Errors: 415 another type, 413 too large, 400 broken off.
#[derive(Debug)]
pub struct CsvFile(Bytes);

impl<S: Send + Sync> FromRequest<S> for CsvFile {
    type Rejection = ProductError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProductError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = content_type.unwrap_or("").split(';').next().unwrap_or("").trim();
        if !essence.eq_ignore_ascii_case("text/csv") {
            return Err(ProductError::NotCsv);
        }
        match Limited::new(request.into_body(), MAX_FILE).collect().await {
            Ok(body) => Ok(Self(body.to_bytes())),
            Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
                Err(ProductError::FileTooLarge(MAX_FILE))
            }
            Err(_) => Err(ProductError::BrokenOff),
        }
    }
}

/// Imports a catalogue: CSV with the columns of Shopify's product export, at most 20 MB.
///
/// Products are known by their SKU; known ones are updated, but never their stock. Repeating it changes nothing.
#[utoipa::path(post, path = "",
    request_body(content = String, content_type = "text/csv",
        example = "Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nkettle,Kettle,KET-1,12,44.90\n"),
    responses(
        (status = 200, body = ImportReport),
        (status = 400, description = "`import.no_column`, `import.not_csv`, `body.broken_off`"),
        (status = 413, description = "`body.too_large`"),
        (status = 415, description = "`body.not_csv`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    CsvFile(file): CsvFile,
) -> Result<Json<ImportReport>, ProductError> {
    Ok(Json(import_csv(&app.store, &file, |_, _| {}).await?))
}
