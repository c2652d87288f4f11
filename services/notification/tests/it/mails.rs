//! Mails: recipients, addresses that become known later, and what the store keeps of them.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use souk_sql::{Access, Db};
use souk_testkit::eventually;
use souk_values::Clock;

use crate::{events::*, rig::Rig, smtp_server::MailServer};

#[tokio::test]
async fn a_mail_waits_for_an_unknown_address_and_is_sent_once_it_is_known() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    assert_eq!(rig.kinds(ada).await, ["order_received", "order_confirmed"], "the shop shows them immediately");
    rig.until_mails(2, "waiting").await;
    assert!(rig.mails().await[0].get("to").is_none());
    assert_eq!(rig.facts().await.mails_queued, 0);

    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.until_mails(3, "sent").await;
    assert!(rig.mails().await.iter().all(|mail| mail["to"] == EMAIL));
    assert_eq!(rig.mail_of("order_received").await["to"], EMAIL);
    assert!(rig.mail_of("order_received").await["text"].as_str().unwrap().starts_with("Hello Ada,"));
}

#[tokio::test]
async fn a_text_of_an_event_adds_no_line_and_no_header() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    let smuggling = souk_events::OrderShipped {
        carrier: "DHL\0\r\nBcc: eve@example.org".to_owned(),
        tracking_number: "12\u{202e}34\r\n\r\nPay here".to_owned(),
        ..shipped(order(ada, 42, 4))
    };
    rig.deliver(&smuggling).await;
    let text = rig.mail_of("order_shipped").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Carrier:         DHL   Bcc: eve@example.org\n"), "{text}");
    assert!(text.contains("Tracking number: 12 34    Pay here\n"), "{text}");
    let page = rig.customer(ada).get("/notifications").await.expect(200).json;
    let body = "It is coming with DHL Bcc: eve@example.org. The tracking number is 12 34 Pay here.";
    assert_eq!(page["items"][0]["body"], body);
}

#[tokio::test]
async fn the_highest_version_of_a_contact_wins() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&changed(ada, "new@example.org", 3)).await;
    rig.deliver(&changed(ada, "old@example.org", 2)).await;
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(2, "sent").await;
    assert!(rig.mails().await.iter().all(|mail| mail["to"] == "new@example.org"), "{:?}", rig.mails().await);
    assert_eq!(rig.kinds(ada).await, ["welcome", "order_received"]);
}

#[tokio::test]
async fn a_queued_mail_follows_a_change_of_address_and_a_reset_does_not() {
    let server = MailServer::start().await;
    server.refuse_next(100, "451 later");
    let rig = Rig::with_smtp(&server.url).await;
    let ada = user(5);
    let in_an_hour = rig.world.clock.now().plus(Duration::from_secs(3_600));
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&reset(ada, "t0ken", in_an_hour)).await;
    eventually("both were attempted", || async { rig.mails().await.iter().all(|mail| mail["attempts"] == 1) }).await;
    rig.deliver(&changed(ada, "new@example.org", 4)).await;
    server.refuse_next(0, "");
    rig.world.clock.advance(Duration::from_secs(60));
    rig.until_mails(2, "sent").await;
    for mail in rig.mails().await {
        let wanted = if mail["kind"] == "password_reset" { EMAIL } else { "new@example.org" };
        assert_eq!(mail["to"], wanted);
    }
}

#[tokio::test]
async fn a_token_is_erased_with_its_mail_and_an_expired_reset_is_not_sent() {
    let server = MailServer::start().await;
    server.refuse_next(1, "451 later");
    let rig = Rig::with_smtp(&server.url).await;
    let store = Db::open(&rig.world.store_url("notification"), Access::ReadOnly).await.unwrap();
    let with_token = || async {
        let sql = "SELECT COUNT(*) AS n FROM mail LEFT JOIN notice ON notification_id = mail_id
            WHERE mail.facts LIKE '%5ecr3t%' OR notice.facts LIKE '%5ecr3t%' OR title LIKE '%5ecr3t%' OR body LIKE '%5ecr3t%' OR link LIKE '%5ecr3t%'
                OR subject LIKE '%5ecr3t%' OR error LIKE '%5ecr3t%'";
        let backend = store.reader().get_database_backend();
        let row = store.reader().query_one_raw(Statement::from_string(backend, sql)).await.unwrap().unwrap();
        row.try_get::<i64>("", "n").unwrap()
    };
    let in_an_hour = rig.world.clock.now().plus(Duration::from_secs(3_600));
    rig.deliver(&reset(user(5), "5ecr3t-a", in_an_hour)).await;
    eventually("it was attempted", || async { rig.mails().await[0]["attempts"] == 1 }).await;
    assert_eq!(with_token().await, 1, "the mail still needs it");
    rig.world.clock.advance(Duration::from_secs(60));
    rig.until_mails(1, "sent").await;
    assert_eq!(with_token().await, 0);

    server.refuse_next(1, "451 later");
    rig.deliver(&reset(user(5), "5ecr3t-b", in_an_hour)).await;
    eventually("it was attempted", || async {
        rig.mails().await.iter().any(|mail| mail["status"] == "queued" && mail["attempts"] == 1)
    })
    .await;
    rig.world.clock.advance(Duration::from_secs(7_200));
    eventually("it is given up", || async { rig.facts().await.mails_failed == 1 }).await;
    assert_eq!(with_token().await, 0);
    assert_eq!(server.taken().len(), 1, "a link that no longer works is not sent");
}

#[tokio::test]
async fn a_guests_reminder_is_deleted_once_it_expires() {
    let rig = Rig::new().await;
    let guest = user(5);
    let ada = user(6);
    let soon = rig.world.clock.now().plus(Duration::from_secs(7_200));
    rig.deliver(&abandoned(guest, soon)).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(2, "waiting").await;
    rig.until_mails_after(Duration::from_secs(3_600), 1, "waiting").await;
    assert_eq!(rig.mails().await[0]["kind"], "order_received");
    assert_eq!(rig.facts().await.notices, 1);
}

#[tokio::test]
async fn a_mail_whose_address_never_becomes_known_is_given_up_after_a_month_and_its_notice_stays() {
    let rig = Rig::new().await;
    let ada = user(6);
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(1, "waiting").await;
    rig.world.clock.advance(Duration::from_secs(29 * 86_400));
    // The task has run once another mail has expired.
    rig.deliver(&abandoned(user(5), rig.world.clock.now())).await;
    rig.until_mails_after(Duration::from_secs(120), 1, "waiting").await;
    rig.until_mails_after(Duration::from_secs(3_600), 1, "failed").await;
    assert_eq!(rig.mails().await[0]["error"], "no address became known in 30 days");
    assert_eq!(rig.kinds(ada).await, ["order_received"]);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    assert_eq!(rig.mail_of("welcome").await["to"], EMAIL);
    assert_eq!(rig.facts().await.mails_failed, 1, "a month-old confirmation is not sent");
}

#[tokio::test]
async fn a_mail_that_no_server_takes_is_given_up_after_a_month() {
    // The discard port, on which no process listens: once the breaker is open, nothing is attempted.
    let rig = Rig::with_smtp("smtp://127.0.0.1:9").await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    rig.until_mails(1, "queued").await;
    rig.world.clock.advance(Duration::from_secs(30 * 86_400));
    rig.until_mails_after(Duration::from_secs(3_600), 1, "failed").await;
    assert!(rig.mails().await[0]["error"].as_str().unwrap().contains("expired"), "{:?}", rig.mails().await);
}

#[tokio::test]
async fn mails_are_listed_by_delivery_state() {
    let rig = Rig::new().await;
    rig.deliver(&created(order(user(6), 42, 1))).await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    let of = |status: &'static str| {
        let admin = rig.admin();
        async move { admin.get(&format!("/notifications/sent?status={status}")).await.expect(200).json }
    };
    eventually("one is sent", || async { of("sent").await["total"] == 1 }).await;
    let sent = of("sent").await["items"][0].clone();
    assert_eq!((&sent["to"], &sent["userId"], &sent["attempts"]), (&json!(EMAIL), &json!(5), &json!(1)));
    assert_eq!(sent["subject"], "Welcome to Souk");
    assert_eq!(of("waiting").await["items"][0]["userId"], 6);
    assert_eq!(of("failed").await["total"], 0);
}
