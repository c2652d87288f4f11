//! `DELETE apps/{app}/{id}/status`: an operator takes back what was set.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_eureka::InstanceStatus;

use super::parts::{Instance, Query};
use crate::{app::App, registry::Origin};

pub async fn handle(
    State(app): State<App>,
    instance: Instance,
    query: Query,
    origin: Origin,
) -> Result<Response, Response> {
    let (name, id) = instance.name();
    if app.registry.with(|registry| registry.known(name, id)).is_none() {
        return Ok(instance.missing());
    }
    // Without a value nobody knows what it is; its next heartbeat is answered 404, and it registers what it says.
    let status = query.status("value")?.unwrap_or(InstanceStatus::Unknown);
    let is_deleted = app.delete_override(instance.name(), status, query.last_dirty_at()?, origin);
    Ok(if is_deleted { StatusCode::OK.into_response() } else { instance.missing() })
}
