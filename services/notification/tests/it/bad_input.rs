//! Invalid requests are refused with a stable code, an invalid configuration with every mistake in it.

use souk_kit::{Service as _, auth::Role};
use souk_notification::{Notification, NotificationConfig};
use souk_testkit::World;
use souk_values::Secret;

use crate::{
    events::*,
    rig::{Rig, config},
};

#[tokio::test]
async fn bad_requests_are_problems_and_change_nothing() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    let own = rig.customer(ada);
    for query in ["size=0", "size=101", "size=x", "page=-1", "unread=perhaps", "sort=title", "userId=6"] {
        own.get(&format!("/notifications?{query}")).await.is_problem(400, "query.invalid");
    }
    for query in ["status=lost", "size=0", "to=ada"] {
        rig.admin().get(&format!("/notifications/sent?{query}")).await.is_problem(400, "query.invalid");
    }
    for query in ["size=1000", "path=x"] {
        rig.admin().get(&format!("/notifications/mailbox?{query}")).await.is_problem(400, "query.invalid");
    }
    for id in ["0", "-1", "x", "9007199254740992", "1.5", "%00"] {
        own.post(&format!("/notifications/{id}/read"), serde_json::json!({})).await.is_problem(400, "path.invalid");
    }
    let id = own.get("/notifications").await.json["items"][0]["notificationId"].clone();
    let read = format!("/notifications/{id}/read");
    own.post(&read, serde_json::json!({"readAt": "2020-01-01T00:00:00Z"})).await.is_problem(400, "body.invalid");
    own.send(reqwest::Method::POST, &read, Some("{".into())).await.is_problem(400, "body.malformed");
    own.send(reqwest::Method::POST, &read, Some(format!("{{{}}}", " ".repeat(300_000))))
        .await
        .is_problem(413, "body.too_large");
    own.delete("/notifications").await.is_problem(405, "route.method_not_allowed");
    assert_eq!(own.get("/notifications?unread=true").await.json["total"], 1, "nothing was read");
}

#[tokio::test]
async fn guests_and_services_have_no_notices() {
    let rig = Rig::new().await;
    for token in [rig.world.token(5, Role::Guest), rig.world.token("order", Role::Service)] {
        let client = rig.started.client.with_token(token);
        for path in ["/notifications", "/notifications/stream", "/notifications/sent", "/notifications/mailbox"] {
            client.get(path).await.is_problem(403, "auth.forbidden");
        }
        client.post("/notifications/1/read", serde_json::json!({})).await.is_problem(403, "auth.forbidden");
    }
}

#[tokio::test]
async fn all_mistakes_of_the_configuration_are_reported_together() {
    let world = World::new().await;
    let wrong = NotificationConfig {
        smtp_url: Secret::new("http://user:hunter2@mail".to_owned()),
        from: "nobody".to_owned(),
        ..config(&world, "")
    };
    let error = Notification::build(wrong, &world.deps).await.unwrap_err().to_string();
    assert!(error.contains("notification.from: 'nobody'") && error.contains("notification.smtp-url"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");

    let folder = world.folder.path().join("templates");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("order_paid.html"), "<p>\n{{ order.totel }}").unwrap();
    let broken = NotificationConfig { templates_dir: folder.display().to_string(), ..config(&world, "") };
    let error = Notification::build(broken, &world.deps).await.unwrap_err().to_string();
    assert!(error.contains("templates/order_paid.html, line 2: undefined value"), "{error}");

    let shown = format!("{:?}", config(&world, "smtp://user:hunter2@mail"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
