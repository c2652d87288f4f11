//! Streams of events: each event is passed on immediately, and a disconnect ends the stream at the service.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    response::{Sse, sse::Event},
    routing::get,
};
use futures::StreamExt;
use souk_testkit::eventually;
use tokio::{
    io::AsyncWriteExt,
    sync::{broadcast, mpsc, watch},
};

use crate::rig::{Rig, read_to_end, read_until};

/// Counts its own drop.
struct Listener(watch::Sender<usize>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.send_modify(|gone| *gone += 1);
    }
}

/// Starts an order service that streams the events sent to the returned channel, and counts the streams that ended.
async fn streaming(rig: &Rig) -> (broadcast::Sender<String>, watch::Receiver<usize>) {
    let (events, _) = broadcast::channel(16);
    let (gone, watcher) = watch::channel(0);
    let source = events.clone();
    let stream = move || {
        let (receiver, listener) = (source.subscribe(), Listener(gone.clone()));
        let events = futures::stream::unfold((receiver, listener), |(mut receiver, listener)| async move {
            let text: String = receiver.recv().await.ok()?;
            Some((Ok::<_, Infallible>(Event::default().data(text)), (receiver, listener)))
        });
        async move { Sse::new(events) }
    };
    rig.world.fake_peer("order", Router::new().route("/orders/1/stream", get(stream))).await;
    (events, watcher)
}

async fn listen(rig: &Rig) -> tokio::net::TcpStream {
    let mut stream = rig.connect().await;
    let head = format!("GET /api/orders/1/stream HTTP/1.1\r\nHost: shop\r\n{}\r\n", rig.authorization());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn each_event_is_received_before_the_next_is_sent() {
    let rig = Rig::new().await;
    let (events, _) = streaming(&rig).await;
    let mut stream = listen(&rig).await;
    read_until(&mut stream, "text/event-stream").await;
    for number in 1..=5 {
        events.send(format!("event {number}")).unwrap();
        read_until(&mut stream, &format!("data: event {number}\n\n")).await;
    }
}

#[tokio::test]
async fn a_stream_may_last_longer_than_the_response_timeout() {
    let config = souk_gateway::GatewayConfig {
        response_timeout: Duration::from_millis(100),
        request_head_timeout: Duration::from_millis(100),
        keep_alive_timeout: Duration::from_millis(100),
        ..souk_gateway::GatewayConfig::default()
    };
    let rig = Rig::with(config).await;
    let (events, _) = streaming(&rig).await;
    let mut stream = listen(&rig).await;
    read_until(&mut stream, "text/event-stream").await;
    // Three times the limits, which the gateway measures in real time.
    tokio::time::sleep(Duration::from_millis(300)).await;
    events.send("late".to_owned()).unwrap();
    read_until(&mut stream, "data: late\n\n").await;
}

#[tokio::test]
async fn a_client_that_disconnects_ends_its_stream_at_the_service() {
    let rig = Rig::new().await;
    let (_events, gone) = streaming(&rig).await;
    let mut stream = listen(&rig).await;
    read_until(&mut stream, "text/event-stream").await;
    assert_eq!(*gone.borrow(), 0);
    drop(stream);
    eventually("the service's stream ends", || async { *gone.borrow() == 1 }).await;
}

#[tokio::test]
async fn a_client_that_disconnects_cancels_its_request_at_the_service() {
    let rig = Rig::new().await;
    let (received, mut requests) = mpsc::unbounded_channel();
    let (gone, ended) = watch::channel(0);
    let wait = move || {
        received.send(()).unwrap();
        let listener = Listener(gone.clone());
        async move {
            let _listener = listener;
            std::future::pending::<()>().await;
        }
    };
    rig.world.fake_peer("order", Router::new().route("/orders/1/stream", get(wait))).await;
    let stream = listen(&rig).await;
    requests.recv().await.unwrap();
    drop(stream);
    eventually("the service's request ends", || async { *ended.borrow() == 1 }).await;
}

#[tokio::test]
async fn streams_end_when_the_gateway_stops() {
    let rig = Rig::new().await;
    let (events, _) = streaming(&rig).await;
    let mut stream = listen(&rig).await;
    read_until(&mut stream, "text/event-stream").await;
    events.send("last".to_owned()).unwrap();
    read_until(&mut stream, "data: last\n\n").await;
    assert!(rig.running.stop().await, "the stream delayed the stop");
    assert!(read_to_end(&mut stream).await.ends_with("0\r\n\r\n"), "the stream was cut off");
}

#[tokio::test]
async fn a_client_library_reads_a_stream_event_by_event() {
    let rig = Rig::new().await;
    let (events, _) = streaming(&rig).await;
    let url = format!("http://{}/api/orders/1/stream", rig.address);
    let token = rig.world.customer(rig.world.user());
    let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut pieces = response.bytes_stream();
    events.send("one".to_owned()).unwrap();
    assert_eq!(pieces.next().await.unwrap().unwrap(), "data: one\n\n");
}
