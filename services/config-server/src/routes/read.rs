//! `GET /{application}/{profiles}[/{label}]`, the flat documents, and the files.

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use crate::{
    app::App,
    asked::{self, Asked, Format, Target},
    environment::format::{self, Resolve},
    error::ConfigServerError,
    metrics::{self, Kind},
    server::{Found, Wanted},
};

const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";
const TEXT: &str = "text/plain;charset=UTF-8";
const OCTETS: &str = "application/octet-stream";
/// As HTTP writes a time.
const HTTP_TIME: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Answers what [`asked::read`] finds in the address.
pub async fn handle(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ConfigServerError> {
    let path = uri.path().strip_prefix(&*app.prefix).unwrap_or(uri.path());
    let query = uri.query().unwrap_or_default();
    let (kind, answer) = match asked::read(path, query)? {
        Asked::Environment(target) => (Kind::Environment, environment(&app, &target, &headers).await),
        Asked::Flat(target, format) => (Kind::Flat, flat(&app, &target, format, query).await),
        Asked::Resource(target, path) => {
            let wanted = Wanted { raw: accepts(&headers, OCTETS), resolved: asked::resolves(query) };
            (Kind::Resource, resource(&app, &target, &path, wanted, &headers).await)
        }
    };
    metrics::asked(kind, &answer);
    let mut response = answer?;
    // It may hold secrets.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn environment(app: &App, target: &Target, headers: &HeaderMap) -> Result<Response, ConfigServerError> {
    let environment = app.server.of(target).await?;
    let (kind, body) = if accepts(headers, V2) {
        (V2, environment.to_v2_json())
    } else {
        ("application/json", environment.to_v1_json())
    };
    Ok(([(header::CONTENT_TYPE, kind)], body.to_string()).into_response())
}

async fn flat(app: &App, target: &Target, format: Format, query: &str) -> Result<Response, ConfigServerError> {
    let environment = app.server.of(target).await?;
    let resolve = if asked::resolves(query) { Resolve::Yes } else { Resolve::No };
    let (kind, body) = match format {
        Format::Properties => (TEXT, format::properties(&environment, resolve)),
        Format::Yaml => (TEXT, format::yaml(&environment, resolve)?),
        Format::Json => ("application/json", format::json(&environment, resolve)?.to_string()),
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

async fn resource(
    app: &App,
    target: &Target,
    path: &str,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Result<Response, ConfigServerError> {
    let found = app.server.file(target, path, wanted).await?;
    let Some(Found { resource, text }) = found else { return Err(ConfigServerError::NoSuchResource) };
    let modified = resource.modified;
    let mut response = if modified.is_some_and(|modified| is_known(headers, modified)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match text {
            Some(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
            None => ([(header::CONTENT_TYPE, OCTETS)], resource.bytes).into_response(),
        }
    };
    let modified = modified.and_then(|modified| modified.format(HTTP_TIME).to_string().parse().ok());
    if let Some(modified) = modified {
        response.headers_mut().insert(header::LAST_MODIFIED, modified);
    }
    Ok(response)
}

/// Whether the client has what was modified then.
fn is_known(headers: &HeaderMap, modified: DateTime<Utc>) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    since.is_some_and(|since| modified.timestamp() <= since.timestamp())
}

/// Whether the client names this media type.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = given.flat_map(|value| value.split(',')).map(|item| item.split(';').next().unwrap_or_default());
    kinds.any(|given| given.trim().eq_ignore_ascii_case(kind))
}
