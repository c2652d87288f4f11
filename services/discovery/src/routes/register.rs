//! `POST apps/{app}`: registers an instance.

use axum::{
    extract::{Path, Request, State},
    http::StatusCode,
};
use souk_eureka::{json, xml};

use crate::{app::App, error::DiscoveryError, negotiation::Format, registry::Origin, request_body};

/// Size limit of the body. Formatting may make it much larger than the texts that are stored.
const MAX_BODY: usize = 256 << 10;

pub(crate) async fn handle(
    State(app): State<App>,
    Path(name): Path<String>,
    origin: Origin,
    request: Request,
) -> Result<StatusCode, DiscoveryError> {
    let body = request_body::read(request, MAX_BODY).await?;
    let now = app.clock.now().millis();
    let info = match body.format {
        Format::Json => json::read_registration(&body.bytes, now),
        Format::Xml => xml::read_registration(&body.bytes, now),
    };
    app.registry.register(info?, &name.to_uppercase(), origin)?;
    // Exactly 204: eureka-js-client treats 200 as a failure.
    Ok(StatusCode::NO_CONTENT)
}
