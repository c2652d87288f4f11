//! `POST apps/{app}`: 204, which some clients insist on; 400 with a sentence.

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use souk_eureka::{json, xml};

use crate::{app::App, negotiation::Format, registry::Origin, request_body};

/// One instance in any clothes: what is kept of it is far less.
const LIMIT: usize = 256 << 10;

pub async fn handle(
    State(app): State<App>,
    Path(name): Path<String>,
    origin: Origin,
    request: Request,
) -> Result<StatusCode, Response> {
    let body = request_body::read(request, LIMIT).await.map_err(IntoResponse::into_response)?;
    let now = app.clock.now().millis();
    let info = match body.format {
        Format::Json => json::read_registration(&body.bytes, now),
        Format::Xml => xml::read_registration(&body.bytes, now),
    };
    let info = info.map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()).into_response())?;
    let registered = app.admit(info, &name.to_uppercase(), origin);
    registered.map(|()| StatusCode::NO_CONTENT).map_err(IntoResponse::into_response)
}
