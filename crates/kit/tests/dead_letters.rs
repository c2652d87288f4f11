//! The routes for dead letters that every service has: its own letters, those of all services, and no token in any.
#![expect(clippy::unwrap_used, reason = "tests")]

use souk_bus::{UnreadableEvent, Verdict};
use souk_events::{PasswordResetRequested, queue};
use souk_kit::{ServiceParts, routes::Routes};
use souk_testkit::{Client, World};

async fn serve(world: &World, service: &'static str) -> Client {
    let (router, openapi) = Routes::<()>::default().finish(service, "Nothing else.");
    world.serve(ServiceParts::new(service, router.with_state(()), openapi)).await.client.with_token(world.admin())
}

/// Publishes an event for notification, which fails to handle it.
async fn fail_to_handle(world: &World) {
    let event = PasswordResetRequested {
        user_id: world.user(),
        username: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
        token: "s3cret".to_owned(),
        expires_at: souk_values::Timestamp::EPOCH,
        language: None,
        version: 1,
    };
    world.publish(&event).await;
    let mut subscription = world.deps.transport.subscribe(&queue::NOTIFICATION_USERS).await.unwrap();
    let deliveries = subscription.next(1).await.unwrap();
    let dead = |delivery| (delivery, Verdict::Dead { error: "no such column".to_owned() });
    subscription.settle(deliveries.into_iter().map(dead).collect()).await.unwrap();
}

async fn bury(world: &World, service: &str, body: &str) {
    let event = UnreadableEvent { key: "1".to_owned(), body: body.to_owned(), error: "not JSON".to_owned() };
    world.deps.transport.bury(service, &[event]).await.unwrap();
}

#[tokio::test]
async fn a_service_lists_its_own_dead_letters_or_those_of_all() {
    let world = World::new().await;
    let notification = serve(&world, "notification").await;
    let order = serve(&world, "order").await;
    fail_to_handle(&world).await;
    bury(&world, "order", "first").await;
    bury(&world, "order", "second").await;

    let own = notification.get("/admin/notification/dead-letters").await.expect(200).json;
    assert_eq!(own["total"], 1);
    let letter = &own["items"][0];
    for (field, value) in [
        ("service", "notification"),
        ("queue", "notification.users"),
        ("event", "user.password_reset_requested.v1"),
        ("error", "no such column"),
    ] {
        assert_eq!(letter[field], value, "{letter}");
    }
    assert_eq!(letter["attempts"], 1);
    assert!(letter["subject"].is_string() && letter["diedAt"].is_string(), "{letter}");
    assert!(letter["envelope"].is_null() && letter["raw"].is_null(), "a list has no payloads: {letter}");

    let all = notification.get("/admin/notification/dead-letters?allServices=true").await.expect(200).json;
    assert_eq!((&all["total"], all["items"].as_array().unwrap().len()), (&3.into(), 3));
    let page = order.get("/admin/order/dead-letters?allServices=true&page=1&size=2").await.expect(200).json;
    assert_eq!((&page["total"], page["items"].as_array().unwrap().len()), (&3.into(), 1));
    let own = order.get("/admin/order/dead-letters").await.expect(200).json;
    assert_eq!(own["total"], 2);
    assert_eq!((&own["items"][0]["queue"], &own["items"][0]["event"]), (&"order.outbox".into(), &().into()));
    for wrong in ["allServices=1", "all=true", "size=0"] {
        order.get(&format!("/admin/order/dead-letters?{wrong}")).await.is_problem(400, "query.invalid");
    }
}

#[tokio::test]
async fn a_dead_letter_is_shown_without_tokens_replayed_and_discarded() {
    let world = World::new().await;
    let notification = serve(&world, "notification").await;
    let order = serve(&world, "order").await;
    fail_to_handle(&world).await;
    let list = notification.get("/admin/notification/dead-letters").await.expect(200).json;
    let id = list["items"][0]["deadLetterId"].as_str().unwrap().to_owned();
    let path = format!("/admin/notification/dead-letters/{id}");
    let shown = notification.get(&path).await.expect(200);
    assert_eq!(shown.json["envelope"]["type"], "user.password_reset_requested.v1");
    assert_eq!(shown.json["envelope"]["data"]["email"], "ada@example.com");
    assert!(!shown.text.contains("s3cret"), "{}", shown.text);

    order.get(&format!("/admin/order/dead-letters/{id}")).await.is_problem(404, "dead_letter.not_found");
    notification.get("/admin/notification/dead-letters/7").await.is_problem(400, "path.invalid");
    let customer = notification.with_token(world.customer(world.user()));
    customer.get(&path).await.is_problem(403, "auth.forbidden");

    notification.post(&format!("{path}/replay"), serde_json::json!({})).await.expect(202);
    notification.get(&path).await.is_problem(404, "dead_letter.not_found");
    let again = world.waiting::<PasswordResetRequested>(&queue::NOTIFICATION_USERS).await;
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].token, "s3cret", "the event itself is whole");

    bury(&world, "order", "{\"token\": \"s3cret\"").await;
    let list = order.get("/admin/order/dead-letters").await.expect(200).json;
    let path = format!("/admin/order/dead-letters/{}", list["items"][0]["deadLetterId"].as_str().unwrap());
    let shown = order.get(&path).await.expect(200);
    assert_eq!(shown.json["raw"], "[redacted] (18 bytes)");
    order.post(&format!("{path}/replay"), serde_json::json!({})).await.is_problem(409, "dead_letter.unreadable");
    order.delete(&path).await.expect(204);
    order.delete(&path).await.is_problem(404, "dead_letter.not_found");
}
