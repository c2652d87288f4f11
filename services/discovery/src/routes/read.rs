//! Reads that bypass the response cache: an application, one instance, and the instances behind a virtual address.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::extract::InstancePath;
use crate::{app::App, error::DiscoveryError, negotiation::Representation};

pub(crate) async fn application(
    State(app): State<App>,
    Path(name): Path<String>,
    representation: Representation,
) -> Result<Response, DiscoveryError> {
    let name = name.to_uppercase();
    let application = app.registry.with(|registry| registry.application(&name));
    let application = application.ok_or_else(|| DiscoveryError::NotFound(format!("{name} has no instances.")))?;
    Ok(representation.response(representation.application(&application)))
}

pub(crate) async fn instance(
    State(app): State<App>,
    instance: InstancePath,
    representation: Representation,
) -> Result<Response, DiscoveryError> {
    let now = app.clock.now();
    let info = app.registry.with(|registry| registry.instance(instance.key(), now));
    let info = info.ok_or_else(|| instance.not_found())?;
    Ok(representation.response(representation.instance(&info)))
}

pub(crate) async fn instance_anywhere(
    State(app): State<App>,
    Path(id): Path<String>,
    representation: Representation,
) -> Result<Response, DiscoveryError> {
    let now = app.clock.now();
    let info = app.registry.with(|registry| registry.instance_anywhere(&id, now));
    let info = info.ok_or_else(|| DiscoveryError::NotFound(format!("There is no instance {id}.")))?;
    Ok(representation.response(representation.instance(&info)))
}

/// Lists the instances behind a virtual address; an empty list if there are none.
pub(crate) async fn vip(State(app): State<App>, Path(vip): Path<String>, representation: Representation) -> Response {
    let snapshot = app.registry.with(|registry| registry.at_vip(&vip));
    representation.response(representation.applications(&snapshot.applications()))
}

pub(crate) async fn secure_vip(
    State(app): State<App>,
    Path(vip): Path<String>,
    representation: Representation,
) -> Response {
    let snapshot = app.registry.with(|registry| registry.at_secure_vip(&vip));
    representation.response(representation.applications(&snapshot.applications()))
}
