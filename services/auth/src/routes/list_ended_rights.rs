//! `GET /internal/ended-rights`: what every verifier of access tokens reads, several times a second.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_kit::{
    auth::{EndedRights, PeerService},
    extract::Query,
};
use souk_values::Timestamp;
use utoipa::IntoParams;

use crate::{app::App, error::AuthError};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// Milliseconds since 1970: only rights that ended then or later are listed. All that matter when absent.
    since: Option<i64>,
}

/// Lists the rights that ended before their access tokens expire.
///
/// For calls between services only; the gateway does not route it.
#[utoipa::path(get, path = "", params(Since), responses((status = 200, body = EndedRights)))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    Query(Since { since }): Query<Since>,
) -> Result<Json<EndedRights>, AuthError> {
    let now = app.clock.now();
    Ok(Json(app.store.ended_rights(since.map(Timestamp::from_millis), now).await?))
}
