//! Requests and responses pass through unchanged, except for the headers of one hop.

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use futures::stream;
use serde_json::json;
use souk_gateway::{GatewayConfig, RouteConfig};
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, read_to_end, read_until};

/// Returns the request as JSON.
async fn describe(method: Method, uri: Uri, headers: HeaderMap, body: axum::body::Bytes) -> Json<serde_json::Value> {
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    Json(json!({"method": method.as_str(), "uri": uri.to_string(), "headers": headers, "length": body.len()}))
}

fn header<'a>(request: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    let headers = request["headers"].as_array().unwrap();
    headers.iter().find(|header| header[0] == name).and_then(|header| header[1].as_str())
}

async fn echo(request: Request) -> Response {
    Response::new(request.into_body())
}

#[tokio::test]
async fn method_path_query_and_body_arrive_unchanged_without_the_prefix() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", Router::new().fallback(any(describe))).await;
    let client = rig.customer();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let body = (method != "GET").then(|| "{\"a\": 1}".to_owned());
        let length = body.as_ref().map_or(0, String::len);
        let path = "/api/orders/caf%C3%A9/x;y=1?a=b%20c&&d=%2F..%2F";
        let received = client.send(method.parse().unwrap(), path, body).await.expect(200).json;
        assert_eq!(received["method"], method);
        assert_eq!(received["uri"], "/orders/caf%C3%A9/x;y=1?a=b%20c&&d=%2F..%2F");
        assert_eq!(received["length"], length);
    }
    let head = client.send(Method::HEAD, "/api/orders", None).await.expect(200);
    assert!(head.text.is_empty());
    assert_ne!(head.header("content-length"), "");
}

#[tokio::test]
async fn statuses_headers_and_bodies_of_services_pass_unchanged() {
    let rig = Rig::new().await;
    let refuse = || async { (StatusCode::IM_A_TEAPOT, [("x-one", "1"), ("etag", "\"v1\"")], "short and stout") };
    let fail = || async { (StatusCode::INTERNAL_SERVER_ERROR, "its own words") };
    let many = || async {
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", "a=1".parse().unwrap());
        headers.append("set-cookie", "b=2".parse().unwrap());
        (StatusCode::NO_CONTENT, headers)
    };
    let router = Router::new().route("/products/a", get(refuse)).route("/products/b", get(fail));
    rig.world.fake_peer("product", router.route("/products/c", get(many))).await;
    let answer = rig.client.get("/api/products/a").await.expect(418);
    assert_eq!(
        (answer.text.as_str(), answer.header("x-one"), answer.header("etag")),
        ("short and stout", "1", "\"v1\"")
    );
    assert_eq!(rig.client.get("/api/products/b").await.expect(500).text, "its own words");
    let answer = rig.client.get("/api/products/c").await.expect(204);
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn large_bodies_are_streamed_both_ways_with_a_length_and_in_chunks() {
    let rig = Rig::with(GatewayConfig { max_body_bytes: 64 << 20, ..GatewayConfig::default() }).await;
    rig.world
        .fake_peer(
            "order",
            Router::new().route("/orders", post(echo)).layer(axum::extract::DefaultBodyLimit::disable()),
        )
        .await;
    let http = reqwest::Client::new();
    let url = format!("http://{}/api/orders", rig.address);
    let token = rig.world.customer(rig.world.user());
    let sent: Vec<u8> = (0..40_000_000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let response = http.post(&url).bearer_auth(&token).body(sent.clone()).send().await.unwrap();
    assert_eq!(response.content_length(), Some(40_000_000));
    assert!(response.bytes().await.unwrap() == sent, "the body changed");
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = sent.chunks(77_777).map(|piece| Ok(piece.to_vec())).collect();
    let body = reqwest::Body::wrap_stream(stream::iter(pieces));
    let response = http.post(&url).bearer_auth(&token).body(body).send().await.unwrap();
    assert_eq!(response.content_length(), None, "a chunked body stays chunked");
    assert!(response.bytes().await.unwrap() == sent, "the chunked body changed");
}

#[tokio::test]
async fn a_response_starts_before_the_request_has_ended() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", Router::new().route("/orders", post(echo))).await;
    let mut stream = rig.connect().await;
    let head = format!(
        "POST /api/orders HTTP/1.1\r\nHost: shop\r\n{}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        rig.authorization()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(b"5\r\nfirst\r\n").await.unwrap();
    read_until(&mut stream, "first").await;
    stream.write_all(b"6\r\nsecond\r\n0\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.contains("second"));
}

#[tokio::test]
async fn hop_by_hop_headers_are_removed_both_ways() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", Router::new().fallback(any(describe))).await;
    let request = format!(
        "GET /api/orders HTTP/1.1\r\nHost: shop\r\n{}Connection: close, X-Private, x-other\r\nConnection: X-Third\r\n\
         X-Private: 1\r\nX-Other: 2\r\nX-Third: 3\r\nX-Kept: 4\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\n\
         Proxy-Authorization: x\r\nProxy-Connection: x\r\nUpgrade: websocket\r\nX-Application-Context: x\r\n\r\n",
        rig.authorization()
    );
    let answer = rig.raw(&request).await;
    let received: serde_json::Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    for name in [
        "connection",
        "x-private",
        "x-other",
        "x-third",
        "keep-alive",
        "te",
        "trailer",
        "proxy-authorization",
        "proxy-connection",
        "upgrade",
        "x-application-context",
    ] {
        assert_eq!(header(&received, name), None, "{name} reached the service");
    }
    assert_eq!(header(&received, "x-kept"), Some("4"));
    rig.raw_peer("product", async |mut stream| {
        read_until(&mut stream, "\r\n\r\n").await;
        let answer = b"HTTP/1.1 200 OK\r\nConnection: x-private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\n\
                       Proxy-Authenticate: x\r\nX-Kept: 2\r\nContent-Length: 2\r\n\r\nhi";
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let answer = rig.client.get("/api/products").await.expect(200);
    assert_eq!((answer.text.as_str(), answer.header("x-kept")), ("hi", "2"));
    for name in ["x-private", "keep-alive", "proxy-authenticate", "connection"] {
        assert_eq!(answer.header(name), "", "{name} reached the client");
    }
}

#[tokio::test]
async fn a_service_receives_the_real_client_address_and_not_a_forged_one() {
    let rig = Rig::new().await;
    let base = rig.world.fake_peer("order", Router::new().fallback(any(describe))).await;
    let client = rig.customer().with_header("x-forwarded-for", "6.6.6.6").with_header("forwarded", "for=6.6.6.6");
    let client = client.with_header("x-forwarded-proto", "https").with_header("x-forwarded-prefix", "/admin");
    let received = client.get("/api/orders").await.expect(200).json;
    assert_eq!(header(&received, "host"), Some(base.trim_start_matches("http://")));
    assert_eq!(header(&received, "x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(header(&received, "x-forwarded-proto"), Some("http"));
    assert_eq!(header(&received, "x-forwarded-host"), Some(rig.address.to_string().as_str()));
    assert_eq!(header(&received, "x-forwarded-port"), Some(rig.address.port().to_string().as_str()));
    assert_eq!((header(&received, "forwarded"), header(&received, "x-forwarded-prefix")), (None, None));
    let trusting = GatewayConfig { trusted_proxies: vec!["127.0.0.0/8".to_owned()], ..GatewayConfig::default() };
    let rig = Rig::within(rig.world, trusting, |_| {}).await;
    let client = rig.customer().with_header("x-forwarded-for", "6.6.6.6").with_header("x-forwarded-proto", "https");
    let received = client.get("/api/orders").await.expect(200).json;
    assert_eq!(header(&received, "x-forwarded-for"), Some("6.6.6.6,127.0.0.1"));
    assert_eq!(header(&received, "x-forwarded-proto"), Some("https,http"));
}

#[tokio::test]
async fn a_trace_is_continued_or_started() {
    let rig = Rig::new().await;
    rig.world.fake_peer("order", Router::new().fallback(any(describe))).await;
    let received = rig.customer().get("/api/orders").await.json;
    assert_eq!(header(&received, "traceparent").unwrap().len(), 55);
    let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let received = rig.customer().with_header("traceparent", given).get("/api/orders").await.json;
    let sent = header(&received, "traceparent").unwrap();
    assert!(sent.starts_with(&given[..36]) && sent != given, "{sent}");
}

#[tokio::test]
async fn requests_on_one_connection_and_pipelined_ones_are_answered_in_order() {
    let rig = Rig::new().await;
    rig.world.fake_peer("product", Router::new().fallback(any(describe))).await;
    let two = "GET /api/products/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /api/products/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = rig.raw(two).await;
    let (one, two) = (answer.find("/products/1").unwrap(), answer.find("/products/2").unwrap());
    assert!(one < two, "{answer}");
    let mut stream = rig.connect().await;
    for number in 1..=3 {
        let request = format!("GET /api/products/{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, &format!("/products/{number}\"}}")).await;
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let rig = Rig::new().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/orderss", "/nothing.html"] {
        rig.customer().get(path).await.is_problem(404, "gateway.route_not_found");
    }
    rig.client.post("/", json!({})).await.is_problem(404, "gateway.route_not_found");
    rig.client.send(Method::TRACE, "/api/products", None).await.is_problem(405, "gateway.method_not_allowed");
    rig.client.post("/health/live", json!({})).await.is_problem(405, "gateway.method_not_allowed");
}

#[tokio::test]
async fn the_routing_table_is_configurable() {
    let line = |id: &str, paths: &str, order| RouteConfig {
        id: id.to_owned(),
        uri: format!("lb://{id}"),
        predicates: vec![format!("Path={paths}").into(), "Method=GET,HEAD".into()],
        filters: Vec::new(),
        order,
        metadata: souk_gateway::RouteMetadata {
            public: vec!["* /**".to_owned()],
            ..souk_gateway::RouteMetadata::default()
        },
    };
    let routes = vec![line("wide", "/x/**", 5), line("narrow", "/x/{id}/y,/z/*", 1)];
    let rig = Rig::with(GatewayConfig { routes, ..GatewayConfig::default() }).await;
    for name in ["wide", "narrow"] {
        rig.world.fake_peer(name, Router::new().fallback(any(move || async move { name.into_response() }))).await;
    }
    for (path, name) in [("/x", "wide"), ("/x/1/y", "narrow"), ("/x/1/z", "wide"), ("/z/1", "narrow")] {
        assert_eq!(rig.client.get(path).await.expect(200).text, name, "{path}");
    }
    rig.client.post("/x", json!({})).await.is_problem(404, "gateway.route_not_found");
    rig.client.get("/api/products").await.is_problem(404, "gateway.route_not_found");
}

#[tokio::test]
async fn instances_share_the_requests_and_a_dead_one_fails_none() {
    let rig = Rig::new().await;
    let alive = rig.world.fake_peer("order", Router::new().fallback(any(describe))).await;
    let other = rig.world.fake_peer("order", Router::new().fallback(any(echo))).await;
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    rig.world.deps.peers.directory().set("order", [alive, other, format!("http://{dead}")]);
    let client = rig.customer();
    for _ in 0..40 {
        // Nothing was sent to the dead instance, so even a POST is retried on another.
        let answer = client.post("/api/orders", json!({"a": 1})).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_read_is_retried_if_its_pooled_connection_was_closed() {
    let rig = Rig::new().await;
    rig.raw_peer("product", async |mut stream| {
        // Responds once, and closes the connection upon the next request.
        read_until(&mut stream, "\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").await.unwrap();
        read_until(&mut stream, "\r\n\r\n").await;
    })
    .await;
    for _ in 0..6 {
        assert_eq!(rig.client.get("/api/products").await.expect(200).text, "hi");
    }
}

#[tokio::test]
async fn a_write_whose_response_is_lost_is_not_retried() {
    let rig = Rig::new().await;
    let (received, mut requests) = tokio::sync::mpsc::unbounded_channel();
    rig.raw_peer("order", move |mut stream| {
        let received = received.clone();
        async move {
            read_until(&mut stream, "\r\n\r\n").await;
            received.send(()).unwrap();
        }
    })
    .await;
    rig.customer().post("/api/orders", json!({})).await.is_problem(502, "gateway.bad_gateway");
    requests.recv().await.unwrap();
    rig.customer().delete("/api/orders/1").await.is_problem(502, "gateway.bad_gateway");
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "a write was sent twice");
}

#[tokio::test]
async fn an_incomplete_response_stays_incomplete() {
    let rig = Rig::new().await;
    for framing in ["Content-Length: 9\r\n\r\none", "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n"] {
        rig.raw_peer("product", move |mut stream| async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{framing}").as_bytes()).await.unwrap();
        })
        .await;
        let answer = rig.client.try_send(Method::GET, "/api/products", None).await;
        assert!(answer.is_err(), "{framing:?}: {answer:?}");
    }
}
