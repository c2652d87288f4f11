//! Readiness of a service whose consumer waits for its engine.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use souk_bus::{Consumer, Failure, Outcome, Received};
use souk_events::{StockReserved, queue};
use souk_kit::{ServiceParts, routes::Routes};
use souk_testkit::{World, eventually};

#[tokio::test]
async fn a_service_whose_consumer_is_held_up_is_not_ready_and_gives_the_reason() {
    let world = World::new().await;
    let is_back = Arc::new(AtomicBool::new(false));
    let consumer = Consumer::new(&queue::ORDER_STOCK).on(
        &is_back,
        |is_back: Arc<AtomicBool>, _: Received<StockReserved>| async move {
            if is_back.load(Ordering::SeqCst) {
                return Ok(Outcome::Applied);
            }
            Err(Failure::Unavailable("the engine takes no connection".to_owned()))
        },
    );
    let (router, openapi) = Routes::<()>::default().finish("order", "Nothing else.");
    let parts = ServiceParts::new("order", router.with_state(()), openapi).consuming([consumer]);
    let started = world.serve(parts).await;
    let ready = || started.client.get("/health/ready");
    ready().await.expect(200);
    world.publish(&StockReserved { order_id: world.deps.ids.next(), order_version: 1 }).await;
    eventually("it is not ready", || async { ready().await.status == 503 }).await;
    let checks = ready().await.json["checks"].as_array().unwrap().clone();
    let paused = checks.iter().find(|check| check["name"] == "order.stock").unwrap();
    assert_eq!(paused["status"], "DOWN");
    assert!(paused["error"].as_str().unwrap().contains("the engine takes no connection"), "{paused}");
    is_back.store(true, Ordering::SeqCst);
    eventually("it is ready again", || async { ready().await.status == 200 }).await;
    assert_eq!(world.deps.transport.dead_letter_counts(&["order.stock"]).await.unwrap(), [0]);
}
