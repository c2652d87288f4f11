//! `POST /actuator/busrefresh[/{destination…}]`, which makes applications reload their configuration.

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, RequestKind},
    security::Caller,
};

/// Publishes a refresh event for all applications, or for the destination `shop`, `shop:8080` or `shop/8080`.
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    destination: Option<Path<String>>,
) -> Result<StatusCode, ConfigServerError> {
    caller.require_admin()?;
    let destination = destination.map(|Path(path)| path.trim_matches('/').replace('/', ":")).unwrap_or_default();
    app.reader.backend().expire();
    let published = app.publish_refresh(&[destination]).await;
    metrics::count_request(RequestKind::Refresh, &published);
    published.map(|()| StatusCode::NO_CONTENT)
}
