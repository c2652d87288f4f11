//! The gateway's own URL table.

pub(crate) mod advance_clock;
mod count_visit;
mod list_breakers;
mod list_services;
mod live;
mod ready;
mod shop_ready;
mod show_document;
mod show_funnel;

use axum::{Extension, Router, response::IntoResponse, response::Response};
use http::Request;
use souk_kit::{Problem, auth::Verifier, routes::Routes};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

use crate::{app::App, error::Refusal, files};

const DESCRIPTION: &str = "The gateway: the shop's one port. Every other path under /api belongs to a service.";

fn table() -> Routes<App> {
    souk_kit::routes! { App:
        GET  "/health/live"            public live;
        GET  "/health/ready"           public ready;
        GET  "/api/health/ready"       public shop_ready;
        GET  "/api/openapi/{document}" public show_document;
        POST "/api/visits"             public count_visit;
        POST "/api/test-clock"         token  advance_clock;
        GET  "/api/admin/funnel"       token  show_funnel;
        GET  "/api/admin/services"     token  list_services;
        GET  "/api/admin/breakers"     token  list_breakers;
    }
}

/// Whether the gateway answers `path` itself.
pub(crate) fn is_own(path: &str, has_test_clock: bool) -> bool {
    match path.strip_prefix("/api/") {
        Some("health/ready" | "visits" | "admin/services" | "admin/breakers" | "admin/funnel") => true,
        Some("test-clock") => has_test_clock,
        Some(rest) => rest.starts_with("openapi/"),
        None => matches!(path, "/health/live" | "/health/ready" | "/docs") || path.starts_with("/docs/"),
    }
}

/// The document of the gateway's own endpoints.
pub(crate) fn document() -> OpenApi {
    let (_, mut document) = table().finish("gateway", DESCRIPTION);
    // The gateway consumes nothing, and so has no dead letters.
    document.paths.paths.retain(|path, _| !path.starts_with("/admin/gateway/"));
    document.servers = Some(vec![utoipa::openapi::Server::new("/")]);
    document
}

/// The gateway's own endpoints.
pub(crate) fn router(app: App, verifier: Verifier) -> Router {
    let names = app.0.services.iter().copied().filter(|name| *name != "gateway").chain(["gateway"]);
    // Swagger UI wants texts that live as long as the process, as the gateway does.
    let urls = names.map(|name| Url::new(name, format!("/api/openapi/{name}.json").leak()));
    let docs = SwaggerUi::new("/docs").config(Config::new(urls));
    let (router, _) = table().finish("gateway", DESCRIPTION);
    router
        .with_state(app)
        .merge(Router::from(docs))
        .fallback(async || Problem::from(Refusal::NoRoute))
        .method_not_allowed_fallback(async || Problem::from(Refusal::MethodNotAllowed))
        .layer(Extension(verifier))
        .layer(axum::middleware::from_fn(secure))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal(&"a handler panicked").into_response()
        }))
}

async fn secure(request: Request<axum::body::Body>, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    files::secure(response.headers_mut());
    response
}
