//! `POST /products/import`: imports a catalogue from CSV.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
};
use souk_kit::auth::Admin;

use super::upload;
use crate::{
    app::App,
    error::ProductError,
    import::{ImportReport, import_csv},
};

/// Maximum size of an upload in bytes.
const MAX_FILE: usize = 20 * 1024 * 1024;

/// An uploaded CSV file. Errors: 415 another type, 413 too large, 400 incomplete.
#[derive(Debug)]
pub(crate) struct CsvFile(Bytes);

impl<S: Send + Sync> FromRequest<S> for CsvFile {
    type Rejection = ProductError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ProductError> {
        if !upload::media_type(request.headers()).eq_ignore_ascii_case("text/csv") {
            return Err(ProductError::NotCsv);
        }
        upload::read(request.into_body(), MAX_FILE).await.map(Self)
    }
}

/// Imports a catalogue: CSV of Shopify or WooCommerce in any usual encoding, at most 20 MB. For admins.
///
/// Products are identified by their SKU or, without one, by handle and options. Known ones are updated, except their stock; a
/// repeated import changes nothing.
#[utoipa::path(post, path = "",
    request_body(content = String, content_type = "text/csv",
        example = "Title,URL handle,SKU,Price,Inventory quantity\nKettle,kettle,KET-1,44.90,12\n"),
    responses(
        (status = 200, body = ImportReport),
        (status = 400, description = "`import.no_column`, `import.not_csv`, `body.broken_off`"),
        (status = 413, description = "`body.too_large`"),
        (status = 415, description = "`body.not_csv`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    CsvFile(file): CsvFile,
) -> Result<Json<ImportReport>, ProductError> {
    Ok(Json(import_csv(&app.store, &file, |_, _| {}).await?))
}
