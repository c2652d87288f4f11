//! `PUT apps/{app}/{id}/metadata?key=value`: adds pairs to the metadata of an instance.

use axum::{extract::State, http::StatusCode};

use super::extract::{InstancePath, Query};
use crate::{app::App, error::DiscoveryError};

pub(crate) async fn handle(
    State(app): State<App>,
    instance: InstancePath,
    Query(pairs): Query,
) -> Result<StatusCode, DiscoveryError> {
    // Reversed, so that the first value of a repeated key is inserted last and wins.
    let entries = pairs.into_iter().rev().collect();
    let merged = app.registry.merge_metadata(instance.key(), entries).ok_or_else(|| instance.not_found())?;
    merged.map(|()| StatusCode::OK)
}
