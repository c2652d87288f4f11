//! Calls between services: retries, and the errors of a peer that is down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use souk_kit::{CallError, Problem, call::RetrySafety};
use souk_testkit::World;

/// A peer whose `/flaky` fails `failures` times with `status`, and counts.
async fn flaky(world: &World, failures: u32, status: StatusCode) -> Arc<AtomicU32> {
    let calls = Arc::new(AtomicU32::new(0));
    let count = calls.clone();
    let answer = move || {
        let call = count.fetch_add(1, Ordering::SeqCst);
        async move { if call < failures { Err(status) } else { Ok(Json("well")) } }
    };
    let router = Router::new().route("/flaky", get(answer.clone()).post(answer));
    world.fake_peer("product", router).await;
    calls
}

#[tokio::test]
async fn what_is_safe_is_repeated_and_what_is_not_is_not() {
    let world = World::new().await;
    let calls = flaky(&world, 2, StatusCode::INTERNAL_SERVER_ERROR).await;
    let peer = world.deps.peers.client("order", "product");
    assert_eq!(peer.get::<String>("/flaky").await.unwrap(), "well");
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let calls = flaky(&world, 2, StatusCode::INTERNAL_SERVER_ERROR).await;
    let lost = peer.post::<_, String>("/flaky", &(), RetrySafety::OnlyUnsent).await;
    assert!(matches!(lost, Err(CallError::Unavailable { .. })), "{lost:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 1, "it may have had its effect");
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_keeps_the_peers_words() {
    let world = World::new().await;
    let refuse = || async { Problem::new(StatusCode::NOT_FOUND, "thing.not_found", "There is none.") };
    world
        .fake_peer("product", Router::new().route("/thing", get(refuse)).route("/odd", get(|| async { "not json" })))
        .await;
    let peer = world.deps.peers.client("order", "product");
    let refused = peer.get::<String>("/thing").await.unwrap_err();
    assert!(refused.is_not_found());
    assert!(refused.to_string().contains("thing.not_found"));
    let odd = peer.get::<String>("/odd").await.unwrap_err();
    assert!(matches!(odd, CallError::Unexpected { .. }));
    assert_eq!(Problem::from(odd).status, 500);
}

#[tokio::test]
async fn an_absent_peer_is_503_and_soon_no_caller_waits_for_it() {
    let world = World::new().await;
    world.deps.peers.directory().set("product", ["http://127.0.0.1:9".to_owned()]);
    let peer = world.deps.peers.client("order", "product");
    for _ in 0..10 {
        let problem = Problem::from(peer.get::<String>("/thing").await.unwrap_err());
        assert_eq!((problem.status, problem.code.as_str()), (503, "product.unavailable"));
        assert!(problem.retry_after.is_some());
    }
    let denied = peer.get::<String>("/thing").await.unwrap_err().to_string();
    assert!(denied.contains("circuit breaker"), "{denied}");
    // It comes back, and after its wait the breaker lets calls through again.
    flaky(&world, 0, StatusCode::OK).await;
    world.clock.advance(Duration::from_secs(3));
    for _ in 0..5 {
        peer.get::<String>("/flaky").await.unwrap();
    }
}

#[tokio::test]
async fn replicas_that_cannot_be_reached_are_not_held_against_the_one_that_can() {
    let world = World::new().await;
    flaky(&world, 0, StatusCode::OK).await;
    let directory = world.deps.peers.directory();
    let live = directory.choose("product").unwrap().base().to_owned();
    let peer = world.deps.peers.client("order", "product");
    // Two attempts may fail, and the third finds the one. The breaker would open at ten of twenty.
    for _ in 0..40 {
        directory.remove("product");
        let dead = ["http://127.0.0.1:9".to_owned(), "http://127.0.0.1:19".to_owned()];
        directory.set("product", dead.into_iter().chain([live.clone()]));
        peer.get::<String>("/flaky").await.unwrap();
        // What was spent on repetitions comes back.
        world.clock.advance(Duration::from_secs(10));
    }
}

#[tokio::test]
async fn calls_carry_a_service_token_and_the_trace() {
    let world = World::new().await;
    let show = |headers: HeaderMap| async move {
        let text = |name: &str| headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned());
        Json([text("authorization"), text("traceparent")])
    };
    world.fake_peer("product", Router::new().route("/show", post(show))).await;
    let peer = world.deps.peers.client("order", "product");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
    let call = || peer.post::<_, [String; 2]>("/show", &(), RetrySafety::Idempotent);
    let [token, traceparent] = souk_bus::trace::within(Some(trace.clone()), call()).await.unwrap();
    assert_eq!(traceparent, trace);
    let claims = world.deps.verifier.verify(token.strip_prefix("Bearer ").unwrap()).await.unwrap();
    assert_eq!(claims.sub, "order");
    // Used until half of its time is over, then renewed.
    world.clock.advance(Duration::from_secs(440));
    assert_eq!(call().await.unwrap()[0], token);
    world.clock.advance(Duration::from_secs(20));
    assert_eq!(call().await.unwrap()[0], token, "still good, while a new one is fetched beside it");
    souk_testkit::eventually("it is renewed", || async { call().await.unwrap()[0] != token }).await;
    let renewed = call().await.unwrap();
    // While auth is unreachable, the current token remains in use.
    world.deps.peers.directory().set("auth", ["http://127.0.0.1:9".to_owned()]);
    world.clock.advance(Duration::from_secs(460));
    assert_eq!(call().await.unwrap()[0], renewed[0]);
    // But not beyond its end.
    world.clock.advance(Duration::from_secs(600));
    assert!(matches!(call().await, Err(CallError::Unavailable { .. })));
}
