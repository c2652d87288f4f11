//! `POST /actuator/busrefresh[/{destination…}]`

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, Kind},
    security::Caller,
};

/// Tells applications to read their configuration again: all of them, or those of `shop`, `shop:8080` or
/// `shop/8080`. For administrators.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    destination: Option<Path<String>>,
) -> Result<StatusCode, ConfigServerError> {
    caller.must_be_admin()?;
    let destination = destination.map(|Path(path)| path.trim_matches('/').replace('/', ":")).unwrap_or_default();
    app.server.backend().expire();
    let published = app.publish(&[destination]).await;
    metrics::asked(Kind::Refresh, &published);
    published.map(|()| StatusCode::NO_CONTENT)
}
