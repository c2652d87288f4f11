//! Reads. Only `apps` and `apps/delta` come from the response cache; their query `regions` is ignored, because there is
//! only one region.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use souk_kit::Problem;

use super::extract::InstancePath;
use crate::{
    app::App,
    error::DiscoveryError,
    negotiation::{AcceptsGzip, Representation},
    response_cache::Extent,
};

pub(crate) async fn all(
    State(app): State<App>,
    representation: Representation,
    gzip: AcceptsGzip,
) -> Result<Response, Problem> {
    app.response_cache.response(Extent::All, representation, gzip).await
}

pub(crate) async fn delta(
    State(app): State<App>,
    representation: Representation,
    gzip: AcceptsGzip,
) -> Result<Response, Problem> {
    if app.config.disable_delta {
        return Ok(DiscoveryError::DeltaDisabled.into_response());
    }
    app.response_cache.response(Extent::Delta, representation, gzip).await
}

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
