//! `GET /{application}/{profiles}[/{label}]`, the flat documents, and files of the repository.

use axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};

use crate::{
    app::App,
    environment::{
        BodyVersion,
        format::{self, Resolve},
    },
    error::ConfigServerError,
    metrics::{self, RequestKind},
    reader::{ResourceOptions, ServedFile},
    request::{ConfigRequest, FlatFormat, Target, resolves_placeholders},
};

/// The type that Spring's Java client requests.
const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";
const TEXT: &str = "text/plain;charset=UTF-8";
const OCTETS: &str = "application/octet-stream";
/// The date format of HTTP headers.
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// Answers every `GET` request of the protocol.
pub(crate) async fn handle(
    State(app): State<App>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, ConfigServerError> {
    let path = uri.path().strip_prefix(&*app.prefix).unwrap_or(uri.path());
    let query = uri.query().unwrap_or_default();
    let (kind, result) = match ConfigRequest::parse(path, query)? {
        ConfigRequest::Environment(target) => (RequestKind::Environment, environment(&app, &target, &headers).await),
        ConfigRequest::Flat(target, format) => (RequestKind::Flat, flat(&app, &target, format, query).await),
        ConfigRequest::Resource(target, path) => {
            let options =
                ResourceOptions { raw: accepts(&headers, OCTETS), resolve_placeholders: resolves_placeholders(query) };
            (RequestKind::Resource, resource(&app, &target, &path, options, &headers).await)
        }
    };
    metrics::count_request(kind, &result);
    let mut response = result?;
    // Configuration may contain secrets, which no cache should keep.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn environment(app: &App, target: &Target, headers: &HeaderMap) -> Result<Response, ConfigServerError> {
    let environment = app.reader.target_environment(target).await?;
    let (kind, version) =
        if accepts(headers, V2) { (V2, BodyVersion::V2) } else { ("application/json", BodyVersion::V1) };
    Ok(([(header::CONTENT_TYPE, kind)], environment.body(version)?).into_response())
}

async fn flat(app: &App, target: &Target, format: FlatFormat, query: &str) -> Result<Response, ConfigServerError> {
    let environment = app.reader.target_environment(target).await?;
    let resolve = if resolves_placeholders(query) { Resolve::Yes } else { Resolve::No };
    let (kind, body) = match format {
        FlatFormat::Properties => (TEXT, format::properties(&environment, resolve)),
        FlatFormat::Yaml => (TEXT, format::yaml(&environment, resolve)?),
        FlatFormat::Json => ("application/json", format::json(&environment, resolve)?.to_string()),
    };
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

async fn resource(
    app: &App,
    target: &Target,
    path: &str,
    options: ResourceOptions,
    headers: &HeaderMap,
) -> Result<Response, ConfigServerError> {
    let found = app.reader.file(target, path, options).await?;
    let Some(ServedFile { file, text }) = found else { return Err(ConfigServerError::NoSuchResource) };
    let modified = file.modified;
    let mut response = if modified.is_some_and(|modified| is_not_modified(headers, modified)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match text {
            Some(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
            None => ([(header::CONTENT_TYPE, OCTETS)], file.bytes).into_response(),
        }
    };
    let modified = modified.and_then(|modified| modified.format(HTTP_DATE).to_string().parse().ok());
    if let Some(modified) = modified {
        response.headers_mut().insert(header::LAST_MODIFIED, modified);
    }
    Ok(response)
}

/// True when `If-Modified-Since` shows that the client has the file.
fn is_not_modified(headers: &HeaderMap, modified: DateTime<Utc>) -> bool {
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    let since = since.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
    since.is_some_and(|since| modified.timestamp() <= since.timestamp())
}

/// True when the client names this media type in `Accept`.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = given.flat_map(|value| value.split(',')).map(|item| item.split(';').next().unwrap_or_default());
    kinds.any(|given| given.trim().eq_ignore_ascii_case(kind))
}
