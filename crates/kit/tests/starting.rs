//! Starting while engines are away.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use axum::{Router, routing::get};
use souk_kit::{ServiceParts, StartError, start_when_ready, tasks::Task};
use souk_sql::SqlError;
use souk_testkit::{Client, World, eventually};
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

fn away() -> StartError {
    SqlError::Unavailable("no answer from 10.0.0.1".to_owned()).into()
}

fn thing() -> ServiceParts {
    ServiceParts::new("thing", Router::new().route("/things", get(async || "here")), OpenApi::default())
        .ready_when("store", async || Ok(()))
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    (listener, base)
}

#[tokio::test]
async fn it_answers_from_the_first_moment_and_takes_over_without_cutting_anything() {
    let world = World::new().await;
    let (listener, base) = listen().await;
    let client = Client::new(base.clone());
    let (is_there, attempts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (deps, there, tried) = (world.deps.clone(), Arc::clone(&is_there), Arc::clone(&attempts));
    let starting = tokio::spawn(async move {
        let build = || {
            tried.fetch_add(1, Ordering::SeqCst);
            std::future::ready(if there.load(Ordering::SeqCst) { Ok(thing()) } else { Err(away()) })
        };
        start_when_ready("thing", listener, &deps, &CancellationToken::new(), build).await
    });
    client.get("/health/live").await.expect(200);
    eventually("it was tried again", || async { attempts.load(Ordering::SeqCst) >= 2 }).await;
    let ready = client.get("/health/ready").await.expect(503).json;
    assert_eq!(ready["status"], "DOWN");
    assert_eq!((&ready["checks"][0]["name"], &ready["checks"][0]["status"]), (&"bus".into(), &"UP".into()));
    assert_eq!(ready["checks"][1]["name"], "store");
    assert!(ready["checks"][1]["error"].as_str().unwrap().contains("10.0.0.1"), "{ready}");
    let refused = client.get("/things").await;
    refused.is_problem(503, "service.starting");
    assert_eq!(refused.header("retry-after"), "2");

    is_there.store(true, Ordering::SeqCst);
    // Requests meanwhile, over a kept connection or a new one, are answered.
    eventually("it took over", || async {
        let fresh = Client::new(base.clone()).get("/things").await.status;
        let kept = client.get("/things").await.status;
        assert!([fresh, kept].iter().all(|status| *status == 200 || *status == 503), "{fresh} {kept}");
        kept == 200
    })
    .await;
    client.get("/health/ready").await.expect(200);
    client.get("/nothing").await.is_problem(404, "route.not_found");
    drop(client);
    let running = starting.await.unwrap().unwrap().unwrap();
    assert!(running.stop().await);
}

#[tokio::test]
async fn a_permanent_failure_ends_the_start_and_so_does_a_stop() {
    let world = World::new().await;
    let (listener, base) = listen().await;
    let wrong = || std::future::ready(Err(StartError::Other("no such engine".to_owned())));
    let stop = CancellationToken::new();
    let failed = start_when_ready("thing", listener, &world.deps, &stop, wrong).await.unwrap_err();
    assert_eq!(failed.to_string(), "no such engine");
    assert!(Client::new(base).try_send(reqwest::Method::GET, "/health/live", None).await.is_err());

    let (listener, _) = listen().await;
    stop.cancel();
    let stopped = start_when_ready("thing", listener, &world.deps, &stop, || std::future::ready(Err(away()))).await;
    assert!(stopped.unwrap().is_none());
}

#[tokio::test]
async fn a_service_is_replaced_while_it_listens() {
    let world = World::new().await;
    let (listener, base) = listen().await;
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let ended = CancellationToken::new();
    let has_arrived = Arc::clone(&arrived);
    let may_go_on = Arc::clone(&go_on);
    let slow = get(async move || {
        has_arrived.notify_one();
        may_go_on.notified().await;
        "old"
    });
    let has_ended = ended.clone();
    let old =
        ServiceParts::new("thing", Router::new().route("/things", slow), OpenApi::default()).running([Task::new(
            "end",
            move |stop| async move {
                stop.cancelled().await;
                has_ended.cancel();
            },
        )]);
    let running = souk_kit::start(old, listener, &world.deps).unwrap();
    let at = base.clone();
    let slow_request = tokio::spawn(async move { Client::new(at).get("/things").await.text });
    arrived.notified().await;
    assert!(!ended.is_cancelled());
    assert!(running.replace(thing(), &world.deps));
    // The old one's background work ends; its requests in progress are still answered.
    ended.cancelled().await;
    let client = Client::new(base);
    assert_eq!(client.get("/things").await.expect(200).text, "here");
    go_on.notify_one();
    assert_eq!(slow_request.await.unwrap(), "old");
    assert!(running.stop().await);
}

/// A service whose task reports its start, and ends after its stop only once `let_go` is cancelled.
fn working(routes: Router, has_begun: &Arc<AtomicBool>, let_go: &CancellationToken) -> ServiceParts {
    let (begun, let_go) = (Arc::clone(has_begun), let_go.clone());
    ServiceParts::new("thing", routes, OpenApi::default()).running([Task::new("work", move |stop| async move {
        begun.store(true, Ordering::SeqCst);
        stop.cancelled().await;
        let_go.cancelled().await;
    })])
}

#[tokio::test]
async fn tasks_of_the_new_service_start_when_those_of_the_old_one_have_ended() {
    let world = World::new().await;
    let (listener, base) = listen().await;
    let begun: [Arc<AtomicBool>; 3] = Default::default();
    let has_begun = |nth: usize| begun.get(nth).unwrap().load(Ordering::SeqCst);
    let (first, stays, last) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    last.cancel();
    let routes = |text: &'static str| Router::new().route("/things", get(async move || text));
    let [one, two, three] = &begun;
    let running = souk_kit::start(working(routes("1"), one, &first), listener, &world.deps).unwrap();
    let client = Client::new(base);
    eventually("it works", || async { has_begun(0) }).await;
    assert!(running.replace(working(routes("2"), two, &stays), &world.deps));
    for _ in 0..3 {
        assert_eq!(client.get("/things").await.expect(200).text, "2", "the routes change at once");
        assert!(!has_begun(1), "both work at the same time");
    }
    first.cancel();
    eventually("it takes over", || async { has_begun(1) }).await;
    // One that does not end is not waited for without end.
    assert!(running.replace(working(routes("3"), three, &last), &world.deps));
    assert_eq!(client.get("/things").await.expect(200).text, "3");
    assert!(!has_begun(2));
    eventually("it begins all the same", || async { has_begun(2) }).await;
    stays.cancel();
    drop(client);
    assert!(running.stop().await);
}
