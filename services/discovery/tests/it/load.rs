//! Ten thousand instances. The limits are those of an unoptimized build on a busy machine: they catch work that grows
//! with the square of the instances, not small regressions.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use souk_testkit::World;

use crate::rig::{config, instance, serve};

const INSTANCES: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_instances_are_read_and_renewed() {
    let world = World::new().await;
    let server = serve(&world, config()).await;
    let items: Vec<_> = (0..INSTANCES)
        .map(|number| {
            let (app, id) = (format!("APP{}", number % 50), format!("host-{number}:app:8080"));
            serde_json::json!({"appName": app, "id": id, "action": "Register",
                "instanceInfo": instance(&app, &id)["instance"]})
        })
        .collect();
    for batch in items.chunks(1_000) {
        let batch = serde_json::json!({ "replicationList": batch });
        server.client.post("/eureka/peerreplication/batch", batch).await.expect(200);
    }

    let zipped = server.client.with_header("accept-encoding", "gzip");
    let first = time_of(|| zipped.get("/eureka/apps/")).await;
    let second = time_of(|| zipped.get("/eureka/apps/")).await;
    let plain = server.client.get("/eureka/apps/").await.expect(200);
    assert_eq!(plain.json["applications"]["apps__hashcode"], format!("UP_{INSTANCES}_"));

    let http = reqwest::Client::new();
    let base = format!("http://{}/eureka/apps", server.running.address);
    let began = Instant::now();
    let beats = stream::iter(0..INSTANCES).map(|number| {
        let url = format!("{base}/APP{}/host-{number}:app:8080?status=UP&lastDirtyTimestamp=1000", number % 50);
        let request = http.put(url).send();
        async move { request.await.unwrap().status() }
    });
    let statuses: Vec<_> = beats.buffer_unordered(32).collect().await;
    assert!(statuses.iter().all(|status| *status == 200));
    let per_second = INSTANCES * 1_000 / usize::try_from(began.elapsed().as_millis().max(1)).unwrap();
    println!(
        "{INSTANCES} instances: {} bytes, first read {first:?}, next {second:?}; {per_second} heartbeats per second",
        plain.text.len()
    );
    // 10,000 instances send 334 per second.
    assert!(per_second > 500, "{per_second} heartbeats per second");
    assert!(first < Duration::from_secs(20), "{first:?}");
}

async fn time_of<F: Future<Output = souk_testkit::TestResponse>>(get: impl Fn() -> F) -> Duration {
    let began = Instant::now();
    get().await.expect(200);
    began.elapsed()
}
