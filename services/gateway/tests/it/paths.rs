//! Internal paths are unreachable in every spelling.

use axum::{Router, extract::Request, routing::any};
use souk_gateway::{GatewayConfig, RouteConfig, RouteMetadata};

use crate::rig::Rig;

const SPELLINGS: &[&str] = &[
    "/internal/orders/1",
    "/internal",
    "/INTERNAL/orders/1",
    "/%69nternal/orders/1",
    "/internal;x/orders/1",
    "//internal/orders/1",
    "/./internal/orders/1",
    "/api/internal/orders/1",
    "/api//internal/orders/1",
    "/api/./internal/orders/1",
    "/api/%2e/internal/orders/1",
    "/api/%69nternal/orders/1",
    "/api/Internal/orders/1",
    "/api/internal;x=1/orders/1",
    "/api/orders/../internal/orders/1",
    "/api/orders/..%2finternal/orders/1",
    "/api/orders/..%2Finternal/orders/1",
    "/api/orders/%2e%2e/internal/orders/1",
    "/api/orders/%2E%2e/internal/orders/1",
    "/api/orders/.%2e/internal/orders/1",
    "/api/orders/%2e%2e%2finternal/orders/1",
    "/api/orders/..;/internal/orders/1",
    "/api/orders/%252e%252e/internal/orders/1",
    "/api/orders/..%252finternal/orders/1",
    "/api/orders/..%5cinternal/orders/1",
    "/api/orders/..\\internal/orders/1",
    "/api/orders%2f..%2finternal/orders/1",
    "/api%2finternal/orders/1",
    "/api/orders/%00/../internal/orders/1",
    "/docs/../internal/orders/1",
    "/docs/..%2finternal/orders/1",
    "http://order/internal/orders/1",
    "http://order/api/internal/orders/1",
    "/api/.well-known/../internal/orders/1",
];

/// Starts an order service that returns every path that reaches it.
async fn start_order(rig: &Rig) {
    let respond = |request: Request| async move { format!("reached {}", request.uri()) };
    rig.world.fake_peer("order", Router::new().route("/internal/{*rest}", any(respond)).fallback(any(respond))).await;
}

#[tokio::test]
async fn no_spelling_leads_to_an_internal_path() {
    let rig = Rig::new().await;
    start_order(&rig).await;
    for token in ["", rig.authorization().as_str()] {
        for path in SPELLINGS {
            let answer = rig.raw(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n{token}Connection: close\r\n\r\n")).await;
            assert!(!answer.contains("reached"), "{path}: {answer}");
            let is_rejected = answer.starts_with("HTTP/1.1 400 ") || answer.starts_with("HTTP/1.1 404 ");
            assert!(is_rejected && answer.contains("application/problem+json"), "{path}: {answer}");
        }
    }
    assert!(rig.customer().get("/api/orders/1").await.expect(200).text.contains("reached /orders/1"));
}

#[tokio::test]
async fn not_even_a_route_that_matches_everything_leads_to_an_internal_path() {
    let everything = |id: &str, path: &str, filters: &[&str]| RouteConfig {
        id: id.to_owned(),
        uri: "lb://order".to_owned(),
        predicates: vec![format!("Path={path}").into()],
        filters: filters.iter().map(|filter| (*filter).into()).collect(),
        order: 9,
        metadata: RouteMetadata { public: vec!["* /**".to_owned()], ..RouteMetadata::default() },
    };
    let routes = vec![everything("api", "/api/**", &["StripPrefix=1"]), everything("all", "/**", &[])];
    let rig = Rig::with(GatewayConfig { routes, ..GatewayConfig::default() }).await;
    start_order(&rig).await;
    for path in SPELLINGS {
        let answer = rig.raw(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert!(!answer.contains("reached /internal") && !answer.contains("reached /api/internal"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn ambiguous_paths_are_rejected() {
    let rig = Rig::new().await;
    for path in ["/api/products/..%2fx", "/api//products", "/api/products/%2e%2e/x", "/api/products/%zz", "/a%5cb"] {
        let answer = rig.raw(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        crate::rig::is_rejected(&answer, 400, "path.invalid");
    }
}
