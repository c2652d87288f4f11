//! `POST /monitor`, the webhook for Git hosts, and `POST /actuator/busrefresh[/{destination…}]`, which make applications
//! reload their configuration.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use bytes::Bytes;

use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, RequestKind},
    monitor,
    security::Caller,
};

const SIGNATURE_REQUIRED: &str = "Sign the webhook with the secret of config-server.monitor.secret.";

/// Expires the backend's state, publishes a refresh event for each application that the change may affect, and returns
/// their names.
pub(crate) async fn webhook(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<String>>, ConfigServerError> {
    let names = notify(&app, caller, &headers, &body).await;
    metrics::count_request(RequestKind::Refresh, &names);
    names.map(Json)
}

async fn notify(
    app: &App,
    caller: Caller,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Vec<String>, ConfigServerError> {
    if app.access.has_monitor_secret {
        // Without credentials every local caller is an administrator, which must not replace the signature.
        let is_known = caller == Caller::Admin && !app.access.is_open();
        if !is_known && !monitor::is_authentic(headers, body, app.monitor_secret.expose()) {
            return Err(ConfigServerError::Unauthorized(SIGNATURE_REQUIRED));
        }
    } else {
        caller.require_admin()?;
    }
    let paths = monitor::changed_paths(headers, body);
    let paths = paths.map_err(|error| ConfigServerError::Invalid(error.to_string()))?;
    let names = monitor::affected_applications(&paths);
    if !names.is_empty() {
        app.reader.backend().expire();
    }
    app.publish_refresh(&names).await?;
    Ok(names)
}

/// Publishes a refresh event for all applications, or for the destination `shop`, `shop:8080` or `shop/8080`.
pub(crate) async fn bus_refresh(
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
