//! `GET /products/export`: exports the catalogue as CSV.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use souk_kit::auth::Admin;

use crate::{app::App, export::export_csv};

/// Exports all visible products as CSV with the present columns of Shopify. For admins.
///
/// An import of the file changes nothing.
#[utoipa::path(get, path = "",
    responses((status = 200, content_type = "text/csv", body = String, description = "The file; it breaks off when the store fails")))]
pub(crate) async fn handle(State(app): State<App>, _: Admin) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"products.csv\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from_stream(export_csv(app.store.clone()))).into_response()
}
