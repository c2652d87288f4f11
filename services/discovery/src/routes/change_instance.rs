//! Changes that operators make to an instance: `PUT` and `DELETE apps/{app}/{id}/status?value=` override its status and
//! delete the override, `PUT apps/{app}/{id}/metadata?key=value` adds pairs to its metadata.

use axum::{extract::State, http::StatusCode};
use souk_eureka::InstanceStatus;

use super::extract::{InstancePath, Query};
use crate::{
    app::App,
    error::DiscoveryError,
    registry::{Origin, StatusUpdate},
};

pub(crate) async fn set_status(
    State(app): State<App>,
    instance: InstancePath,
    query: Query,
    origin: Origin,
) -> Result<StatusCode, DiscoveryError> {
    instance.check_exists(&app)?;
    let status = query.status()?.ok_or(DiscoveryError::StatusMissing)?;
    let update = StatusUpdate { status, last_dirty_at: query.last_dirty_at()? };
    instance.ok_if(app.registry.set_status(instance.key(), update, origin))
}

pub(crate) async fn delete_override(
    State(app): State<App>,
    instance: InstancePath,
    query: Query,
    origin: Origin,
) -> Result<StatusCode, DiscoveryError> {
    instance.check_exists(&app)?;
    // Without a value the status is unknown: the next heartbeat gets 404, and the instance registers its own status.
    let status = query.status()?.unwrap_or(InstanceStatus::Unknown);
    let update = StatusUpdate { status, last_dirty_at: query.last_dirty_at()? };
    instance.ok_if(app.registry.delete_override(instance.key(), update, origin))
}

pub(crate) async fn merge_metadata(
    State(app): State<App>,
    instance: InstancePath,
    Query(pairs): Query,
) -> Result<StatusCode, DiscoveryError> {
    // Reversed, so that the first value of a repeated key is inserted last and wins.
    let entries = pairs.into_iter().rev().collect();
    let merged = app.registry.merge_metadata(instance.key(), entries).ok_or_else(|| instance.not_found())?;
    merged.map(|()| StatusCode::OK)
}
