//! Request smuggling: requests that two servers in a row could interpret differently.

use axum::{Router, routing::any};
use tokio::io::AsyncWriteExt;

use crate::rig::{Rig, is_rejected, read_until};

async fn rig() -> Rig {
    let rig = Rig::new().await;
    rig.world.fake_peer("auth", Router::new().fallback(any(|body: String| async move { format!("<{body}>") }))).await;
    rig.world.fake_peer("product", Router::new().fallback(any(|| async { "hi" }))).await;
    rig
}

#[tokio::test]
async fn a_length_and_chunks_together_are_rejected_in_either_order() {
    let rig = rig().await;
    let chunk = "0\r\n\r\n";
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "TRANSFER-ENCODING: chunked\r\ncontent-LENGTH: 5",
        "Content-Length: 0\r\nX-Between: 1\r\nTransfer-Encoding: chunked",
    ] {
        let answer = rig.raw(&format!("POST /api/auth/login HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{chunk}")).await;
        is_rejected(&answer, 400, "gateway.request_invalid");
        // The length is detected even if the head arrives byte by byte.
        let mut stream = rig.connect().await;
        for byte in format!("POST /api/auth/login HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n").bytes() {
            stream.write_all(&[byte]).await.unwrap();
            stream.flush().await.unwrap();
        }
        is_rejected(&read_until(&mut stream, "}").await, 400, "gateway.request_invalid");
    }
}

#[tokio::test]
async fn either_of_them_alone_is_accepted() {
    let rig = rig().await;
    let mut stream = rig.connect().await;
    for _ in 0..2 {
        let request =
            "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "<hello>").await;
        let request = "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthere";
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "<there>").await;
    }
}

#[tokio::test]
async fn a_smuggled_request_is_never_answered() {
    let rig = rig().await;
    let smuggled = "GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = rig
        .raw(&format!(
            "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\n\r\n{smuggled}"
        ))
        .await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    is_rejected(&answer, 400, "gateway.request_invalid");
}

#[tokio::test]
async fn malformed_requests_are_rejected_with_a_problem() {
    let rig = rig().await;
    for request in [
        "GET /api/products HTTP/1.1\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\nx",
        "POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /api/auth/login HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nX-Folded: 1\r\n 2\r\n\r\n",
        "GET /api/products HTTP/1.1\r\nHost: a\r\nX-Nul: \0\r\n\r\n",
        "GET /api/products HTTP/9.9\r\nHost: a\r\n\r\n",
        "rubbish\r\n\r\n",
        "\0\r\n\r\n",
    ] {
        is_rejected(&rig.raw(request).await, 400, "gateway.request_invalid");
    }
}

#[tokio::test]
async fn a_malformed_request_does_not_affect_the_response_before_it() {
    let rig = rig().await;
    let mut stream = rig.connect().await;
    stream.write_all(b"GET /api/products HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(read_until(&mut stream, "hi").await.starts_with("HTTP/1.1 200"));
    stream.write_all(b"rubbish\r\n\r\n").await.unwrap();
    is_rejected(&read_until(&mut stream, "}").await, 400, "gateway.request_invalid");
}

#[tokio::test]
async fn an_upstream_receives_exactly_one_framing() {
    let rig = Rig::new().await;
    let (heads, mut seen) = tokio::sync::mpsc::unbounded_channel();
    rig.raw_peer("auth", move |mut stream| {
        let heads = heads.clone();
        async move {
            heads.send(read_until(&mut stream, "\r\n\r\n").await.to_lowercase()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
        }
    })
    .await;
    for (framing, is_chunked) in
        [("Content-Length: 2\r\n\r\nhi", false), ("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true)]
    {
        rig.raw(&format!("POST /api/auth/login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{framing}")).await;
        let head = seen.recv().await.unwrap();
        assert_eq!(head.matches("transfer-encoding: chunked").count(), usize::from(is_chunked), "{head}");
        assert_eq!(head.matches("content-length: 2").count(), usize::from(!is_chunked), "{head}");
    }
}
