//! Compression of the services' answers.

use std::{io::Read, sync::Arc};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use reqwest::Method;
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, read_until};

const PUBLIC: (HeaderName, &str) = (header::CACHE_CONTROL, "public, max-age=1, stale-if-error=300");
const JSON: (HeaderName, &str) = (header::CONTENT_TYPE, "application/json");
const TAG: (HeaderName, &str) = (header::ETAG, "\"a1\"");
const BROWSER: &str = "gzip, deflate, br, zstd";

fn body() -> String {
    format!("[{}]", vec!["{\"name\":\"A skillet of cast iron\"}"; 100].join(","))
}

/// Starts a product service that answers a list, and responds 304 to a known tag, weak or strong.
async fn with_list(rig: &Rig) {
    let list = |headers: HeaderMap| async move {
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes().ends_with(b"\"a1\""));
        if known {
            (StatusCode::NOT_MODIFIED, [PUBLIC, TAG]).into_response()
        } else {
            ([PUBLIC, TAG, JSON], body()).into_response()
        }
    };
    rig.world.fake_peer("product", Router::new().route("/products", get(list))).await;
}

/// Sends `GET path`, and returns status, headers and the bytes as they were sent.
async fn raw(rig: &Rig, path: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = reqwest::Client::new().request(Method::GET, format!("http://{}{path}", rig.address));
    for (name, value) in headers {
        request = request.header(name.clone(), *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn public_answers_are_compressed_as_the_client_accepts() {
    let rig = Rig::new().await;
    with_list(&rig).await;
    let (_, plain, bytes) = raw(&rig, "/api/products", &[]).await;
    assert_eq!(
        (plain.get(header::CONTENT_ENCODING), &plain[header::ETAG]),
        (None, &HeaderValue::from_static("\"a1\""))
    );
    assert_eq!((&plain[header::VARY], bytes), (&HeaderValue::from_static("accept-encoding"), body().into_bytes()));
    // The second answer comes from memory.
    for (accepted, encoding) in [(BROWSER, "br"), (BROWSER, "br"), ("gzip", "gzip"), ("gzip;q=0.8, br;q=0", "gzip")] {
        let (status, headers, bytes) = raw(&rig, "/api/products", &[(header::ACCEPT_ENCODING, accepted)]).await;
        assert_eq!((status, &headers[header::CONTENT_ENCODING]), (StatusCode::OK, &HeaderValue::from_static(encoding)));
        assert_eq!(
            (&headers[header::ETAG], &headers[header::VARY]),
            (&"W/\"a1\"".parse().unwrap(), &"accept-encoding".parse().unwrap())
        );
        assert_eq!(headers[header::CONTENT_LENGTH], bytes.len().to_string());
        let mut read = Vec::new();
        if encoding == "br" {
            brotli::BrotliDecompress(&mut &bytes[..], &mut read).unwrap();
        } else {
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut read).unwrap();
        }
        assert_eq!((read, bytes.len() < 200), (body().into_bytes(), true), "{encoding}");
    }
    let known = [(header::ACCEPT_ENCODING, BROWSER), (header::IF_NONE_MATCH, "W/\"a1\"")];
    let (status, headers, bytes) = raw(&rig, "/api/products", &known).await;
    assert_eq!(
        (status, &headers[header::ETAG], bytes.len()),
        (StatusCode::NOT_MODIFIED, &"W/\"a1\"".parse().unwrap(), 0)
    );
}

#[tokio::test]
async fn a_changed_answer_is_compressed_again_and_each_address_has_its_own() {
    let rig = Rig::new().await;
    let version = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let shown = Arc::clone(&version);
    let list = move |uri: axum::http::Uri| {
        let version = shown.load(std::sync::atomic::Ordering::SeqCst);
        async move {
            let body = format!("{:?} {version} {}", uri.query(), "x".repeat(1_000));
            (
                [
                    (header::ETAG, format!("\"{version}\"")),
                    (PUBLIC.0, PUBLIC.1.to_owned()),
                    (JSON.0, JSON.1.to_owned()),
                ],
                body,
            )
        }
    };
    rig.world.fake_peer("product", Router::new().route("/products", get(list))).await;
    let read = async |path: &'static str| {
        let (_, headers, bytes) = raw(&rig, path, &[(header::ACCEPT_ENCODING, "br")]).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        let mut read = Vec::new();
        brotli::BrotliDecompress(&mut &bytes[..], &mut read).unwrap();
        String::from_utf8(read).unwrap()
    };
    assert!(read("/api/products?q=a").await.starts_with("Some(\"q=a\") 0"));
    assert!(read("/api/products?q=b").await.starts_with("Some(\"q=b\") 0"));
    version.store(1, std::sync::atomic::Ordering::SeqCst);
    assert!(read("/api/products?q=a").await.starts_with("Some(\"q=a\") 1"));
}

/// Compressed beside what an attacker chooses, a secret shows in the size (BREACH).
#[tokio::test]
async fn answers_with_tokens_and_answers_to_one_person_are_not_compressed() {
    let rig = Rig::new().await;
    let token = || async { ([JSON], format!("{{\"accessToken\":\"{}\"}}", "ey".repeat(2_000))) };
    let cookie = || async { ([PUBLIC, JSON, (header::SET_COOKIE, "souk_refresh=1")], body()) };
    let auth = Router::new()
        .route("/auth/login", post(token))
        .route("/users/me", get(token))
        .route("/.well-known/jwks.json", get(cookie));
    rig.world.fake_peer("auth", auth).await;
    let orders = || async { ([JSON], body()) };
    rig.world.fake_peer("order", Router::new().route("/orders", get(orders))).await;
    let customer = rig.customer().with_header("accept-encoding", BROWSER);
    for (method, path) in [
        ("POST", "/api/auth/login"),
        ("GET", "/api/users/me"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/api/orders"),
    ] {
        let answer =
            customer.send(Method::from_bytes(method.as_bytes()).unwrap(), path, None::<String>).await.expect(200);
        assert_eq!(answer.header("content-encoding"), "", "{path}");
        assert!(answer.text.len() > 1_000, "{path}");
    }
}

#[tokio::test]
async fn short_answers_other_types_and_answers_in_pieces_pass_as_they_are() {
    let rig = Rig::new().await;
    let pieces = || async {
        let pieces = futures::stream::iter([body(), body()].map(Ok::<_, std::convert::Infallible>));
        ([PUBLIC, JSON], axum::body::Body::from_stream(pieces))
    };
    let product = Router::new()
        .route("/products/1", get(|| async { ([PUBLIC, JSON], "{}") }))
        .route("/products/2", get(|| async { ([PUBLIC, (header::CONTENT_TYPE, "image/png")], body()) }))
        .route("/products/3", get(pieces))
        .route("/products/4", get(|| async { (StatusCode::NOT_FOUND, [PUBLIC, JSON], body()) }));
    rig.world.fake_peer("product", product).await;
    for (path, length) in [("1", 2), ("2", body().len()), ("3", 2 * body().len()), ("4", body().len())] {
        let (_, headers, bytes) =
            raw(&rig, &format!("/api/products/{path}"), &[(header::ACCEPT_ENCODING, BROWSER)]).await;
        assert_eq!((headers.get(header::CONTENT_ENCODING), bytes.len()), (None, length), "{path}");
    }
}

/// A stream of events is passed on event by event, also to a client that accepts compressed answers, and also a public one.
#[tokio::test]
async fn a_stream_of_events_is_never_held_back() {
    let rig = Rig::new().await;
    let (sender, _) = tokio::sync::broadcast::channel::<String>(16);
    let source = sender.clone();
    let stream = move || {
        let receiver = source.subscribe();
        let events = futures::stream::unfold(receiver, |mut receiver| async move {
            let text: String = receiver.recv().await.ok()?;
            Some((Ok::<_, std::convert::Infallible>(axum::response::sse::Event::default().data(text)), receiver))
        });
        async move { ([PUBLIC], axum::response::Sse::new(events)) }
    };
    rig.world.fake_peer("product", Router::new().route("/products/1", get(stream))).await;
    let mut client = rig.connect().await;
    client.write_all(b"GET /api/products/1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br, gzip\r\n\r\n").await.unwrap();
    let head = read_until(&mut client, "text/event-stream").await;
    assert!(!head.contains("content-encoding"), "{head}");
    for number in 0..3 {
        sender.send(format!("event {number} {}", "x".repeat(1_000))).unwrap();
        read_until(&mut client, &format!("data: event {number} ")).await;
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_or_stalls_is_an_error_of_the_service() {
    let config = souk_gateway::GatewayConfig {
        response_timeout: std::time::Duration::from_millis(200),
        ..souk_gateway::GatewayConfig::default()
    };
    let rig = Rig::with(config).await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: public\r\ncontent-length: 2000\r\n\r\n[";
    for (stays, status, code) in [(false, 502, "gateway.bad_gateway"), (true, 504, "gateway.timeout")] {
        rig.raw_peer("product", move |mut stream| async move {
            read_until(&mut stream, "\r\n\r\n").await;
            stream.write_all(head.as_bytes()).await.unwrap();
            if stays {
                std::future::pending::<()>().await;
            }
        })
        .await;
        rig.client.with_header("accept-encoding", "br").get("/api/products").await.is_problem(status, code);
    }
}
