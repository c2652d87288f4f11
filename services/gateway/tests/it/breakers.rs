//! Circuit breakers: a service that fails receives no requests for a while.

use std::time::Duration;

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::{any, get},
};
use serde_json::{Value, json};
use souk_gateway::GatewayConfig;
use souk_kit::auth::{RemoteAuthority, VERIFIER};

use crate::rig::Rig;

#[tokio::test]
async fn a_breaker_opens_denies_and_recovers() {
    let rig = Rig::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let directory = rig.world.deps.peers.directory().clone();
    directory.set("order", [format!("http://{closed}")]);
    rig.world.fake_peer("product", Router::new().fallback(any(|| async { "hi" }))).await;
    let client = rig.customer();
    for _ in 0..10 {
        client.get("/api/orders").await.is_problem(502, "gateway.bad_gateway");
    }
    let denied = client.get("/api/orders").await;
    denied.is_problem(503, "gateway.circuit_open");
    let seconds: u64 = denied.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&seconds), "{seconds}");
    client.get("/api/admin/order/dead-letters").await.is_problem(503, "gateway.circuit_open");
    rig.client.get("/api/products").await.expect(200);

    let admin = rig.client.with_token(rig.world.admin());
    let shown = admin.get("/api/admin/breakers").await.expect(200).json;
    let names: Vec<&str> =
        shown["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["auth", "cart", "notification", "order", "payment", "product"]);
    assert_eq!(shown["missing"], json!(["order", "product"]), "one is closed, the other has no such route");
    assert_eq!((&shown["items"][3]["state"], &shown["items"][3]["failedCalls"]), (&"OPEN".into(), &10.into()));
    let actuator = rig.management.get("/actuator/circuitbreakers").await.expect(200).json;
    let order = &actuator["circuitBreakers"]["order"];
    assert_eq!(
        (&order["state"], &order["failureRate"], &order["failureRateThreshold"]),
        (&"OPEN".into(), &"100.0%".into(), &"50.0%".into())
    );
    let product = &actuator["circuitBreakers"]["product"];
    assert_eq!((&product["state"], &product["failureRate"]), (&"CLOSED".into(), &"-1.0%".into()));

    rig.world.fake_peer("order", Router::new().fallback(any(|| async { "back" }))).await;
    client.get("/api/orders").await.is_problem(503, "gateway.circuit_open");
    rig.world.clock.advance(Duration::from_secs(3));
    for _ in 0..5 {
        assert_eq!(client.get("/api/orders").await.expect(200).text, "back");
    }
    let actuator = rig.management.get("/actuator/circuitbreakers").await.json;
    assert_eq!(actuator["circuitBreakers"]["order"]["state"], "CLOSED");
    let metrics = rig.management.get("/metrics").await.text;
    assert!(
        metrics.contains("resilience4j_circuitbreaker_not_permitted_calls_total{service=\"gateway\",name=\"order\"")
    );
}

#[tokio::test]
async fn the_breakers_of_every_instance_of_every_service_are_listed() {
    let rig = Rig::new().await;
    let admin = rig.client.with_token(rig.world.admin());
    rig.customer().get("/api/admin/breakers").await.is_problem(403, "auth.forbidden");
    let breaker = |name: &str, state: &str| {
        json!({"service": "order", "name": name, "state": state, "failureRate": -1.0, "slowCallRate": -1.0,
            "bufferedCalls": 0, "failedCalls": 0, "slowCalls": 0, "notPermittedCalls": 0})
    };
    let listing = |breakers: Value| {
        let list = move |headers: HeaderMap| async move {
            assert!(headers.contains_key("authorization"), "the service checks the admin's own token");
            Json(json!({"items": breakers}))
        };
        Router::new().route("/admin/order/breakers", get(list))
    };
    let one =
        rig.world.fake_peer("order", listing(json!([breaker("cart", "CLOSED"), breaker("product", "OPEN")]))).await;
    let mut verifier = breaker("auth", "OPEN");
    verifier["service"] = json!("verifier");
    let other = rig.world.fake_peer("order", listing(json!([breaker("cart", "HALF_OPEN"), verifier]))).await;
    rig.world.deps.peers.directory().set("order", [one.clone(), other.clone()]);
    let _ = RemoteAuthority::new(&rig.world.deps.peers, VERIFIER);
    let list = admin.get("/api/admin/breakers").await.expect(200).json;
    let items = list["items"].as_array().unwrap();
    let own = items.iter().find(|item| item["service"] == "verifier" && item["instance"].is_null());
    assert_eq!(own.map(|own| &own["name"]), Some(&json!("auth")), "that of the gateway's own process: {list}");
    let of_order: Vec<_> =
        items.iter().filter(|item| item["instance"] == json!(one) || item["instance"] == json!(other)).collect();
    let expected =
        [(&one, "cart", "CLOSED"), (&one, "product", "OPEN"), (&other, "cart", "HALF_OPEN"), (&other, "auth", "OPEN")];
    assert_eq!(of_order.len(), expected.len(), "{list}");
    for (item, (instance, name, state)) in of_order.into_iter().zip(expected) {
        assert_eq!((&item["instance"], &item["name"], &item["state"]), (&json!(instance), &json!(name), &json!(state)));
    }
    assert_eq!(list["missing"], json!(["product"]), "no instance of it is known");
}

#[tokio::test]
async fn timeouts_open_a_breaker_too() {
    let config = GatewayConfig { response_timeout: Duration::from_millis(50), ..GatewayConfig::default() };
    let rig = Rig::with(config).await;
    rig.world.fake_peer("order", Router::new().fallback(any(std::future::pending::<()>))).await;
    let client = rig.customer();
    for _ in 0..10 {
        client.get("/api/orders").await.is_problem(504, "gateway.timeout");
    }
    client.get("/api/orders").await.is_problem(503, "gateway.circuit_open");
}

#[tokio::test]
async fn error_statuses_and_client_errors_do_not_open_a_breaker() {
    let rig = Rig::new().await;
    let fail = || async { (StatusCode::SERVICE_UNAVAILABLE, "busy") };
    rig.world.fake_peer("order", Router::new().fallback(any(fail))).await;
    let client = rig.customer();
    for _ in 0..30 {
        assert_eq!(client.get("/api/orders").await.expect(503).text, "busy");
    }
    rig.world.fake_peer("order", Router::new().fallback(any(|body: String| async { body }))).await;
    let large = "x".repeat(2 << 20);
    for _ in 0..15 {
        client.send(reqwest::Method::POST, "/api/orders", Some(large.clone())).await.is_problem(413, "body.too_large");
    }
    client.get("/api/orders").await.expect(200);
}
