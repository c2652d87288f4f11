//! `PUT` and `DELETE apps/{app}/{id}/status?value=`: an operator overrides the status of an instance, or deletes the
//! override.

use axum::{extract::State, http::StatusCode};
use souk_eureka::InstanceStatus;

use super::extract::{InstancePath, Query};
use crate::{
    app::App,
    error::DiscoveryError,
    registry::{Origin, StatusUpdate},
};

pub(crate) async fn set(
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

pub(crate) async fn delete(
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
