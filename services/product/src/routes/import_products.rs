//! `POST /products/import`.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
};
use souk_kit::auth::Admin;

use super::upload;
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
        if !upload::media_type(request.headers()).eq_ignore_ascii_case("text/csv") {
            return Err(ProductError::NotCsv);
        }
        upload::whole(request.into_body(), MAX_FILE).await.map(Self)
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
