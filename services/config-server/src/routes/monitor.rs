//! `POST /monitor`

use axum::{Extension, Json, extract::State, http::HeaderMap};
use bytes::Bytes;

use crate::{
    app::App,
    error::ConfigServerError,
    metrics::{self, Kind},
    monitor,
    security::Caller,
};

const PROVE: &str = "Sign the webhook with the secret of config-server.monitor.secret.";

/// Takes a webhook: the repository is looked at again, and the applications that it may concern are told.
pub async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Vec<String>>, ConfigServerError> {
    let names = notify(&app, caller, &headers, &body).await;
    metrics::asked(Kind::Refresh, &names);
    names.map(Json)
}

async fn notify(
    app: &App,
    caller: Caller,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<Vec<String>, ConfigServerError> {
    if app.has_monitor_secret() {
        // Being on this machine is no proof where one is asked for.
        let is_known = caller == Caller::Admin && !app.credentials.are_none();
        if !is_known && !monitor::is_proven(headers, body, app.monitor_secret.expose()) {
            return Err(ConfigServerError::Unauthorized(PROVE));
        }
    } else {
        caller.must_be_admin()?;
    }
    let paths = monitor::changed_paths(headers, body);
    let paths = paths.map_err(|error| ConfigServerError::Invalid(error.to_string()))?;
    let names = monitor::names(&paths);
    if !names.is_empty() {
        app.server.backend().expire();
    }
    app.publish(&names).await?;
    Ok(names)
}
