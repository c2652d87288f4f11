//! The stream of notices: live, resumed after a break, ended with its token and with the service.

use std::time::Duration;

use futures::{Stream, StreamExt};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use souk_values::UserId;

use crate::{events::*, rig::Rig};

async fn open(rig: &Rig, user: UserId, last_event_id: Option<&str>) -> Response {
    let url = format!("http://{}/notifications/stream", rig.started.running.address);
    let mut request = reqwest::Client::new().get(url).bearer_auth(rig.world.customer(user));
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    request.send().await.unwrap()
}

/// Returns the blocks of an event stream, without comments.
fn blocks(response: Response) -> impl Stream<Item = String> + Unpin {
    let chunks = response.bytes_stream().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap());
    let split = chunks.scan(String::new(), |rest, chunk| {
        rest.push_str(&chunk);
        let whole = rest.rfind("\n\n").map_or(0, |end| end + 2);
        let blocks: Vec<String> =
            rest.drain(..whole).collect::<String>().split_terminator("\n\n").map(Into::into).collect();
        std::future::ready(Some(futures::stream::iter(blocks)))
    });
    Box::pin(split.flatten().filter(|block| std::future::ready(!block.starts_with(':'))))
}

async fn next(stream: &mut (impl Stream<Item = String> + Unpin)) -> String {
    tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap().unwrap()
}

fn field<'b>(block: &'b str, name: &str) -> &'b str {
    block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

fn kind(block: &str) -> String {
    let notice: Value = serde_json::from_str(field(block, "data")).unwrap();
    notice["kind"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn notices_arrive_as_they_are_written_and_a_broken_stream_resumes() {
    let rig = Rig::new().await;
    let ada = user(5);
    let bob = user(6);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;

    let response = open(&rig, ada, None).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut live = blocks(response);
    let first = next(&mut live).await;
    assert_eq!(first, "id: 1", "earlier notices are not repeated, and the first event carries the position");
    rig.deliver(&created(order(bob, 41, 1))).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    let block = next(&mut live).await;
    assert_eq!((kind(&block).as_str(), field(&block, "event"), field(&block, "id")), ("order_received", "notice", "2"));
    drop(live);

    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    rig.deliver(&paid(order(ada, 42, 3))).await;
    let mut resumed = blocks(open(&rig, ada, Some("2")).await);
    assert_eq!(next(&mut resumed).await, "id: 2");
    assert_eq!(kind(&next(&mut resumed).await), "order_confirmed");
    assert_eq!(kind(&next(&mut resumed).await), "order_paid");
    rig.deliver(&shipped(order(ada, 42, 4))).await;
    assert_eq!(kind(&next(&mut resumed).await), "order_shipped");

    let mut from_the_start = blocks(open(&rig, ada, Some("0")).await);
    next(&mut from_the_start).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(kind(&next(&mut from_the_start).await));
    }
    assert_eq!(all, ["welcome", "order_received", "order_confirmed", "order_paid", "order_shipped"]);
}

#[tokio::test]
async fn notices_of_another_replica_arrive() {
    let rig = Rig::new().await;
    let ada = user(5);
    let (other, consumers) = crate::rig::serve(&rig.world, crate::rig::config(&rig.world, "")).await.unwrap();
    let mut live = blocks(open(&rig, ada, None).await);
    assert_eq!(next(&mut live).await, "id: 0");
    let envelope = rig.world.envelope(&created(order(ada, 42, 1)));
    let orders = consumers.iter().find(|consumer| consumer.queue() == "notification.orders").unwrap();
    orders.handle(envelope).await.unwrap();
    assert_eq!(kind(&next(&mut live).await), "order_received");
    assert!(other.running.stop().await);
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_with_the_service() {
    let rig = Rig::new().await;
    let mut live = blocks(open(&rig, user(5), None).await);
    next(&mut live).await;
    rig.world.clock.advance(Duration::from_secs(901));
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), live.next()).await.unwrap(), None);

    let mut live = blocks(open(&rig, user(5), None).await);
    next(&mut live).await;
    rig.world.end_rights_of(user(5));
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), live.next()).await.unwrap(), None, "a locked user's");

    let mut live = blocks(open(&rig, user(6), None).await);
    next(&mut live).await;
    assert!(rig.started.running.stop().await, "an open stream does not hold up the stop");
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), live.next()).await.unwrap(), None);
}

#[tokio::test]
async fn only_an_id_of_the_stream_resumes_it() {
    let rig = Rig::new().await;
    for id in ["x", "-1", "1.5", "99999999999999999999"] {
        let response = open(&rig, user(5), Some(id)).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{id}");
        let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], "last_event_id.invalid");
    }
}
