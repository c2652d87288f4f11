//! `GET apps` and `GET apps/delta`. The query `regions` is ignored: there is only one region.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use souk_kit::Problem;

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
