//! `GET /api/admin/dead-letters`: the dead letters of all services.

use std::time::Duration;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use souk_kit::{
    Problem,
    auth::Admin,
    dead_letters::DeadLetterView,
    extract::{NoFilter, Numbered},
};
use souk_values::Page;

use super::own_token;
use crate::{app::App, default_routes::OPERATED, route::Target};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
/// Log line of a service that did not list them.
const UNREAD: &str = "the dead letters could not be read from a service";
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Time limit of a service. On a broker it reads every letter of the shop, and may wait for another reader.
const LIMIT: Duration = Duration::from_secs(15);

/// Lists the dead letters of all services without their payload, newest first. Any service can read those of all, because
/// they share the bus: they are complete while some of the services are down.
#[utoipa::path(get, path = "", params(Numbered<NoFilter>), responses(
    (status = 200, body = Page<DeadLetterView>, description = "A page of dead letters"),
    (status = 503, description = "`gateway.no_instance`: no service can be reached; `bus.unavailable`"),
))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    headers: HeaderMap,
    Numbered(page, NoFilter {}): Numbered<NoFilter>,
) -> Result<Response, Problem> {
    let token = own_token(&headers);
    let mut failed = None;
    for service in OPERATED {
        let path = format!("/admin/{service}/dead-letters?allServices=true&page={}&size={}", page.page, page.size);
        let target = Target::Service(service.to_owned());
        match app.upstreams.get_with(&target, &path, token.clone(), LIMIT).await {
            Ok((StatusCode::OK, body)) => return Ok(with_type(JSON, StatusCode::OK, body)),
            // The token is not valid elsewhere either.
            Ok((status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), body)) => {
                return Ok(with_type(PROBLEM, status, body));
            }
            Ok((status, body)) if status.is_server_error() => failed = Some((status, body)),
            Ok((status, _)) => tracing::debug!(service = "gateway", peer = service, %status, "{UNREAD}"),
            Err(error) => tracing::debug!(service = "gateway", peer = service, error, "{UNREAD}"),
        }
    }
    if let Some((status, body)) = failed {
        return Ok(with_type(PROBLEM, status, body));
    }
    let detail = "No service that can read the dead letters is running right now. Please try again in a moment.";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "gateway.no_instance", detail);
    Err(problem.retry_after(RETRY_AFTER))
}

fn with_type(content_type: HeaderValue, status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, content_type)], body).into_response()
}
