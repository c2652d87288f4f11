//! `PUT apps/{app}/{id}/metadata?key=value`: adds to the metadata of an instance.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::parts::{Instance, Query};
use crate::app::App;

pub async fn handle(State(app): State<App>, instance: Instance, Query(pairs): Query) -> Response {
    // Of a key that is repeated the first value counts.
    let entries = pairs.into_iter().rev().collect();
    match app.merge_metadata(instance.name(), entries) {
        Some(Ok(())) => StatusCode::OK.into_response(),
        Some(Err(error)) => error.into_response(),
        None => instance.missing(),
    }
}
