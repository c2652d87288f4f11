//! Graceful stop: requests in progress are finished, new ones are not accepted.

use std::sync::Arc;

use axum::{Router, routing::any};
use souk_testkit::eventually;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Notify, mpsc},
};

use crate::rig::{Rig, read_to_end, read_until};

#[tokio::test]
async fn a_request_in_progress_is_answered_before_the_gateway_stops() {
    let rig = Rig::new().await;
    let (received, mut requests) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let released = release.clone();
    let answer = move || {
        received.send(()).unwrap();
        let released = released.clone();
        async move {
            released.notified().await;
            "done"
        }
    };
    rig.world.fake_peer("order", Router::new().fallback(any(answer))).await;
    let mut idle = rig.connect().await;
    idle.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_until(&mut idle, "\"UP\"}").await;
    let (client, address) = (rig.customer(), rig.address);
    let response = tokio::spawn(async move { client.get("/api/orders").await });
    requests.recv().await.unwrap();
    let stopping = tokio::spawn(rig.running.stop());
    eventually("no connection is accepted", || async { TcpStream::connect(address).await.is_err() }).await;
    assert_eq!(read_to_end(&mut idle).await, "", "an idle connection is closed");
    release.notify_one();
    assert_eq!(response.await.unwrap().expect(200).text, "done");
    assert!(stopping.await.unwrap(), "the gateway did not stop in time");
}
