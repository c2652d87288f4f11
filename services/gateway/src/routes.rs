//! The URL table of the gateway's own endpoints.

mod advance_clock;
mod count_visit;
mod list_breakers;
mod list_dead_letters;
mod list_services;
pub(crate) mod live;
pub(crate) mod ready;
mod shop_ready;
mod show_document;
mod show_funnel;
mod show_shop;

use axum::{Extension, Router, response::IntoResponse, response::Response};
use http::{HeaderMap, Request, header};
use souk_kit::{Problem, auth::Verifier, routes::Routes};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use crate::{app::App, error::GatewayError, files, limits::RateClass};

const DESCRIPTION: &str = "The gateway: the shop's one port. Every other path under /api belongs to a service.";

pub(crate) fn table() -> Routes<App> {
    souk_kit::routes! { App:
        GET  "/health/live"            public live;
        GET  "/health/ready"           public ready;
        GET  "/api/health/ready"       public shop_ready;
        GET  "/api/openapi/{document}" public show_document;
        GET  "/api/shop"               public show_shop;
        POST "/api/visits"             public count_visit;
        POST "/api/test-clock"         token  advance_clock;
        GET  "/api/admin/funnel"       token  show_funnel;
        GET  "/api/admin/services"     token  list_services;
        GET  "/api/admin/breakers"     token  list_breakers;
        GET  "/api/admin/dead-letters" token  list_dead_letters;
    }
}

/// Returns true if the gateway answers `path` itself.
pub(crate) fn is_own(path: &str, has_test_clock: bool) -> bool {
    match path.strip_prefix("/api/") {
        Some(
            "health/ready" | "shop" | "visits" | "admin/services" | "admin/breakers" | "admin/dead-letters"
            | "admin/funnel",
        ) => true,
        Some("test-clock") => has_test_clock,
        Some(rest) => rest.starts_with("openapi/"),
        None => matches!(path, "/health/live" | "/health/ready" | "/docs") || path.starts_with("/docs/"),
    }
}

/// Returns how requests of the gateway's own endpoints are limited: all but probes and documents.
pub(crate) fn rate_class(path: &str) -> RateClass {
    let is_free = path == "/api/health/ready" || path.starts_with("/api/openapi/") || !path.starts_with("/api/");
    if is_free { RateClass::None } else { RateClass::Ordinary }
}

/// Returns the OpenAPI document of the gateway's own endpoints.
pub(crate) fn openapi() -> OpenApi {
    let (_, mut document) = table().finish("gateway", DESCRIPTION);
    // The gateway has no consumers, and therefore no dead letters of its own.
    document.paths.paths.retain(|path, _| !path.starts_with("/admin/gateway/"));
    document.servers = Some(vec![utoipa::openapi::Server::new("/")]);
    document
}

pub(crate) fn router(app: App, verifier: Verifier) -> Router {
    let names = app.services.iter().copied().filter(|name| *name != "gateway").chain(["gateway"]);
    // Leaked, because Swagger UI requires 'static strings; the gateway lives as long as the process anyway.
    let urls = names.map(|name| Url::new(name, format!("/api/openapi/{name}.json").leak()));
    let docs = SwaggerUi::new("/docs").config(Config::new(urls));
    let (router, _) = table().finish("gateway", DESCRIPTION);
    router
        .with_state(app)
        .merge(Router::from(docs))
        .fallback(async || Problem::from(GatewayError::NoRoute))
        .method_not_allowed_fallback(async || Problem::from(GatewayError::MethodNotAllowed))
        .layer(Extension(verifier))
        .layer(axum::middleware::from_fn(add_security_headers))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal(&"a handler panicked").into_response()
        }))
}

async fn add_security_headers(request: Request<axum::body::Body>, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    files::add_security_headers(response.headers_mut());
    response
}

/// Returns the caller's own token alone, for requests to services, which verify it themselves: the gateway has no rights of
/// its own.
fn own_token(headers: &HeaderMap) -> HeaderMap {
    let token = headers.get(header::AUTHORIZATION);
    token.map(|token| (header::AUTHORIZATION, token.clone())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_route_is_recognized() {
        for path in openapi().paths.paths.keys() {
            assert!(is_own(&path.replace("{document}", "order.json"), true), "{path}");
        }
    }
}
