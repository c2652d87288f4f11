//! `PUT` and `DELETE apps/{app}/{id}`: an instance renews its lease (heartbeat), or cancels its registration.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::extract::{InstancePath, Query};
use crate::{
    app::App,
    error::DiscoveryError,
    negotiation::Representation,
    registry::{Heartbeat, Origin, Renewal},
};

/// Renews a lease. After a 404 the instance registers again.
pub(crate) async fn renew(
    State(app): State<App>,
    instance: InstancePath,
    query: Query,
    origin: Origin,
    representation: Representation,
) -> Result<Response, DiscoveryError> {
    let heartbeat = Heartbeat {
        last_dirty_at: query.last_dirty_at()?,
        // An unknown name counts as no override; a heartbeat is not rejected for it.
        overridden: query.get("overriddenstatus").and_then(|text| text.parse().ok()),
    };
    match app.registry.renew(instance.key(), heartbeat, origin) {
        Renewal::Renewed(_) => Ok(StatusCode::OK.into_response()),
        Renewal::Outdated(_) | Renewal::Unknown => Err(instance.not_found()),
        Renewal::Conflict(stored) => {
            Ok(representation.format.response(StatusCode::CONFLICT, representation.instance(&stored)))
        }
    }
}

pub(crate) async fn cancel(
    State(app): State<App>,
    instance: InstancePath,
    origin: Origin,
) -> Result<StatusCode, DiscoveryError> {
    instance.ok_if(app.registry.cancel(instance.key(), origin))
}
