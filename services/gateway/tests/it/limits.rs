//! Limits on sizes and times.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    routing::{any, post},
};
use futures::stream;
use serde_json::json;
use souk_gateway::{GatewayConfig, RouteMetadata};
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, is_rejected, read_to_end, read_until};

fn short_timeouts() -> GatewayConfig {
    GatewayConfig {
        request_head_timeout: Duration::from_millis(300),
        request_body_timeout: Duration::from_millis(300),
        keep_alive_timeout: Duration::from_millis(600),
        connect_timeout: Duration::from_millis(300),
        response_timeout: Duration::from_millis(300),
        ..GatewayConfig::default()
    }
}

async fn length(body: Bytes) -> String {
    body.len().to_string()
}

fn counting(path: &str) -> Router {
    Router::new().route(path, post(length)).layer(axum::extract::DefaultBodyLimit::disable())
}

#[tokio::test]
async fn a_body_with_a_too_large_length_is_rejected_before_it_is_sent() {
    let rig = Rig::new().await;
    let head = format!(
        "POST /api/orders HTTP/1.1\r\nHost: a\r\n{}Content-Length: 1048577\r\nExpect: 100-continue\r\n\r\n",
        rig.authorization()
    );
    let mut stream = rig.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "}").await;
    is_rejected(&answer, 413, "body.too_large");
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_keeps_sending_still_reads_the_error() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", counting("/orders")).await;
    let client = rig.customer();
    let huge = "x".repeat(8 << 20);
    client.send(reqwest::Method::POST, "/api/orders", Some(huge.clone())).await.is_problem(413, "body.too_large");
    let unknown = rig.client.send(reqwest::Method::POST, "/api/orders", Some(huge)).await;
    unknown.is_problem(401, "auth.token_missing");
}

#[tokio::test]
async fn a_chunked_body_is_counted_while_it_is_streamed() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", counting("/orders")).await;
    let send = async |pieces: usize| {
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = (0..pieces).map(|_| Ok(vec![b'x'; 64 * 1024])).collect();
        let body = reqwest::Body::wrap_stream(stream::iter(pieces));
        let request = reqwest::Client::new().post(format!("http://{}/api/orders", rig.address)).body(body);
        request.bearer_auth(rig.world.customer(rig.world.user())).send().await.unwrap()
    };
    assert_eq!(send(16).await.text().await.unwrap(), "1048576");
    let rejected = send(17).await;
    assert_eq!(rejected.status(), 413);
    assert!(rejected.text().await.unwrap().contains("body.too_large"));
}

#[tokio::test]
async fn an_import_may_be_larger() {
    let rig = Rig::new().await;
    rig.world.fake_peer("product", counting("/products/import")).await;
    let client = rig.client.with_token(rig.world.admin());
    let send = |size| client.send(reqwest::Method::POST, "/api/products/import", Some("x".repeat(size)));
    assert_eq!(send(20 << 20).await.expect(200).text, "20971520");
    send((20 << 20) + 1).await.is_problem(413, "body.too_large");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_rejected_with_a_problem() {
    let rig = Rig::new().await;
    rig.world.fake_peer("product", Router::new().fallback(any(|| async { "hi" }))).await;
    rig.client.with_header("x-long", "x".repeat(15 * 1024)).get("/api/products").await.expect(200);
    for size in [17 * 1024, 60 * 1024, 300 * 1024] {
        let answer = rig.client.with_header("x-long", "x".repeat(size)).get("/api/products").await;
        answer.is_problem(431, "gateway.headers_too_large");
    }
    let many = (0..150).map(|number| format!("x-{number}: 1\r\n")).collect::<Vec<_>>().concat();
    let answer = rig.raw(&format!("GET /api/products HTTP/1.1\r\nHost: a\r\n{many}\r\n")).await;
    is_rejected(&answer, 431, "gateway.headers_too_large");
    let path = format!("/api/products?q={}", "x".repeat(9 * 1024));
    rig.client.get(&path).await.is_problem(414, "gateway.uri_too_long");
}

#[tokio::test]
async fn a_service_that_does_not_respond_in_time_is_504() {
    let rig = Rig::with(short_timeouts()).await;
    rig.world.fake_peer("order", Router::new().fallback(any(std::future::pending::<()>))).await;
    rig.customer().get("/api/orders").await.is_problem(504, "gateway.timeout");
    rig.customer().post("/api/orders", json!({})).await.is_problem(504, "gateway.timeout");
}

#[tokio::test]
async fn a_route_may_have_its_own_time_limit() {
    let mut config = short_timeouts();
    for route in config.routes.iter_mut().filter(|route| route.id == "order") {
        route.metadata = RouteMetadata { response_timeout: Some(-1), ..RouteMetadata::default() };
    }
    let rig = Rig::with(config).await;
    // Longer than the default limit; the gateway measures timeouts in real time.
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        "late"
    };
    rig.world.fake_peer("order", Router::new().fallback(any(slow))).await;
    assert_eq!(rig.customer().get("/api/orders").await.expect(200).text, "late");
}

#[tokio::test]
async fn an_unreachable_service_is_502_and_one_without_instances_503() {
    let rig = Rig::with(short_timeouts()).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    rig.world.deps.peers.directory().set("order", [format!("http://{closed}")]);
    rig.customer().get("/api/orders").await.is_problem(502, "gateway.bad_gateway");
    rig.world.deps.peers.directory().set("order", []);
    let answer = rig.customer().get("/api/orders").await;
    answer.is_problem(503, "gateway.no_instance");
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn a_service_that_breaks_the_protocol_is_502() {
    let rig = Rig::with(short_timeouts()).await;
    rig.raw_peer("order", async |mut stream| {
        read_until(&mut stream, "\r\n\r\n").await;
    })
    .await;
    rig.customer().get("/api/orders").await.is_problem(502, "gateway.bad_gateway");
    rig.raw_peer("order", async |mut stream| {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"SMTP 220 hello\r\n\r\n").await.unwrap();
    })
    .await;
    rig.customer().get("/api/orders").await.is_problem(502, "gateway.bad_gateway");
    rig.raw_peer("order", async |mut stream| {
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
    })
    .await;
    rig.customer().get("/api/orders").await.is_problem(502, "gateway.bad_gateway");
}

#[tokio::test]
async fn a_head_must_be_received_in_time() {
    let rig = Rig::with(short_timeouts()).await;
    let mut silent = rig.connect().await;
    let mut slow = rig.connect().await;
    slow.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(read_to_end(&mut slow).await, "");
}

#[tokio::test]
async fn sending_a_head_byte_by_byte_does_not_extend_its_time() {
    let rig = Rig::with(short_timeouts()).await;
    let mut stream = rig.connect().await;
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
    let started = std::time::Instant::now();
    // Each pause is short; only the total time exceeds the limit.
    while stream.write_all(b"x").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(started.elapsed() < Duration::from_secs(5), "the head has no time limit");
    }
}

#[tokio::test]
async fn a_connection_is_kept_for_a_while_between_requests() {
    let rig = Rig::with(GatewayConfig { keep_alive_timeout: Duration::from_secs(4), ..short_timeouts() }).await;
    let mut stream = rig.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        read_until(&mut stream, "\"UP\"}").await;
        // Longer than a head may take, shorter than a connection is kept.
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_must_not_pause_for_long() {
    let rig = Rig::with(short_timeouts()).await;
    rig.world.fake_peer("order", counting("/orders")).await;
    let head = format!("POST /api/orders HTTP/1.1\r\nHost: a\r\n{}Content-Length: 10\r\n\r\nhalf", rig.authorization());
    let mut stream = rig.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    is_rejected(&read_until(&mut stream, "}").await, 408, "gateway.request_timeout");
}

#[tokio::test]
async fn a_slow_upload_without_long_pauses_is_accepted() {
    let pause = Duration::from_millis(1_000);
    let config = GatewayConfig { request_body_timeout: pause, response_timeout: pause, ..GatewayConfig::default() };
    let rig = Rig::with(config).await;
    rig.world.fake_peer("order", counting("/orders")).await;
    let head = format!("POST /api/orders HTTP/1.1\r\nHost: a\r\n{}Content-Length: 15\r\n\r\n", rig.authorization());
    let mut stream = rig.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        stream.write_all(b"x").await.unwrap();
    }
    assert!(read_until(&mut stream, "\r\n\r\n15").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn the_number_of_connections_is_limited() {
    let rig = Rig::with(GatewayConfig { max_connections: 1, ..short_timeouts() }).await;
    let request = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = rig.connect().await;
    first.write_all(request).await.unwrap();
    read_until(&mut first, "\"UP\"}").await;
    let mut second = rig.connect().await;
    second.write_all(request).await.unwrap();
    let mut byte = [0];
    assert!(
        tokio::time::timeout(Duration::from_millis(100), second.peek(&mut byte)).await.is_err(),
        "two connections were served at the same time"
    );
    drop(first);
    read_until(&mut second, "\"UP\"}").await;
}
