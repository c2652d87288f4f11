//! `GET apps` and `GET apps/delta`. `regions` is ignored: there is one.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_kit::Problem;

use crate::{
    app::App,
    bodies::Extent,
    negotiation::{TakesGzip, Wanted},
};

pub async fn all(State(app): State<App>, wanted: Wanted, gzip: TakesGzip) -> Result<Response, Problem> {
    app.bodies.answer(Extent::All, wanted, gzip).await
}

pub async fn delta(State(app): State<App>, wanted: Wanted, gzip: TakesGzip) -> Result<Response, Problem> {
    if app.config.disable_delta {
        return Ok((StatusCode::FORBIDDEN, "deltas are switched off here: read apps").into_response());
    }
    app.bodies.answer(Extent::Delta, wanted, gzip).await
}
