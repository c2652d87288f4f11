//! `PUT apps/{app}/{id}/status?value=`: an operator sets what an instance is.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

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
    let Some(status) = query.status("value")? else {
        return Ok((StatusCode::INTERNAL_SERVER_ERROR, "value is missing: ?value=OUT_OF_SERVICE").into_response());
    };
    let is_set = app.set_status(instance.name(), status, query.last_dirty_at()?, origin);
    Ok(if is_set { StatusCode::OK.into_response() } else { instance.missing() })
}
