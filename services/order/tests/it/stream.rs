//! The timeline as a stream of Server-Sent Events.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use souk_testkit::eventually;
use souk_values::OrderId;

use crate::rig::{Rig, reserved};

/// Parses a stream into events of (id, name, data).
struct Events {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = reqwest::Result<axum::body::Bytes>> + Send>>,
    text: String,
}

impl Events {
    async fn open(rig: &Rig, order: OrderId, last: Option<&str>) -> Self {
        let address = rig.started.running.address;
        let mut request = reqwest::Client::new()
            .get(format!("http://{address}/orders/{order}/stream"))
            .bearer_auth(rig.world.customer(rig.user));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: Box::pin(response.bytes_stream()), text: String::new() }
    }

    /// Waits for the next event; `None` when the stream ends.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let rest = rest.to_owned();
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let found = (field("id:"), field("event:"), field("data:"));
                self.text = rest;
                if let (Some(id), Some(name), Some(data)) = found {
                    return Some((id, name, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn a_stream_sends_past_and_new_steps_and_resumes() {
    let rig = Rig::new().await;
    let id = rig.placed("prepaid").await;
    let mut events = Events::open(&rig, id, None).await;
    let (number, name, data) = events.next().await.unwrap();
    assert_eq!((number.as_str(), name.as_str(), data["step"].as_str()), ("1", "created", Some("created")));
    rig.world.publish(&reserved(id)).await;
    assert_eq!(events.next().await.unwrap().1, "confirmed");
    rig.world.publish(&rig.succeeded(id, 5)).await;
    let (number, name, data) = events.next().await.unwrap();
    assert_eq!((number.as_str(), name.as_str(), &data["detail"]["paymentId"]), ("3", "paid", &Value::from(5)));
    let mut resumed = Events::open(&rig, id, Some("2")).await;
    assert_eq!(resumed.next().await.unwrap().1, "paid");
    let mut odd = Events::open(&rig, id, Some("what?")).await;
    assert_eq!(odd.next().await.unwrap().1, "created");
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let rig = Rig::new().await;
    let id = rig.placed("prepaid").await;
    let mut events = Events::open(&rig, id, None).await;
    events.next().await.unwrap();
    eventually("the service runs", || async { rig.client.get("/health/live").await.status == 200 }).await;
    assert!(rig.started.running.stop().await);
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_its_reader_is_locked() {
    let rig = Rig::new().await;
    let id = rig.placed("prepaid").await;
    let mut events = Events::open(&rig, id, None).await;
    events.next().await.unwrap();
    rig.world.end_rights_of(rig.user);
    assert_eq!(events.next().await, None);
}
