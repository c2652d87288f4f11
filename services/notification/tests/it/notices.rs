//! Each event leads to its notice and its mail; a notice is visible to its owner only.

use std::time::Duration;

use serde_json::json;
use souk_bus::Outcome;
use souk_events::{PaymentTerms, UserChanged};
use souk_testkit::eventually;
use souk_values::Clock;

use crate::{events::*, rig::Rig};

#[tokio::test]
async fn an_order_leads_to_a_notice_for_each_step() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    rig.deliver(&payment_failed(ada, 42)).await;
    rig.deliver(&paid(order(ada, 42, 3))).await;
    rig.deliver(&shipped(order(ada, 42, 4))).await;
    rig.deliver(&delivered(order(ada, 42, 5))).await;
    rig.deliver(&refunded(ada, 42)).await;
    let expected = [
        "welcome",
        "order_received",
        "order_confirmed",
        "payment_failed",
        "order_paid",
        "order_shipped",
        "order_delivered",
        "payment_refunded",
    ];
    assert_eq!(rig.kinds(ada).await, expected);
    rig.until_mails(7, "sent").await;
    let mailed: Vec<_> = rig.mails().await.iter().map(|mail| mail["kind"].clone()).collect();
    assert!(!mailed.contains(&json!("order_delivered")), "the customer already holds the parcel");

    let page = rig.customer(ada).get("/notifications?size=5").await.expect(200).json;
    assert_eq!((&page["total"], &page["size"], &page["page"]), (&json!(8), &json!(5), &json!(0)));
    let newest = &page["items"][0];
    assert_eq!(newest["kind"], "payment_refunded");
    assert_eq!(newest["title"], "We have refunded €10.00");
    assert_eq!(newest["link"], "/orders/42");
    assert_eq!(newest["facts"], json!({"orderId": 42, "amount": {"amount": 1_000, "currency": "EUR"}}));
    assert!(newest.get("readAt").is_none());
    let shipped = &page["items"][2];
    assert_eq!(shipped["body"], "It is coming with Parcel Post. The tracking number is PP 123 FR.");
    let facts = &shipped["facts"];
    assert_eq!((&facts["carrier"], &facts["trackingNumber"]), (&json!("Parcel Post"), &json!("PP 123 FR")));
}

#[tokio::test]
async fn mails_match_their_snapshots() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    rig.deliver(&cancelled(order(ada, 43, 2))).await;
    rig.deliver(&reset(ada, "a token&", at("2099-01-31T13:00:00.000Z"))).await;
    rig.deliver(&email_changed(ada, EMAIL, "ada@new.example")).await;
    rig.deliver(&password_changed(ada, "ada@new.example")).await;

    let mail = rig.mail_of("order_confirmed").await;
    assert_eq!((&mail["to"], &mail["from"]), (&json!(EMAIL), &json!("Souk <shop@localhost>")));
    assert_eq!(mail["subject"], "Your order 42 is confirmed");
    insta::assert_snapshot!("order_confirmed_text", mail["text"].as_str().unwrap());
    insta::assert_snapshot!("order_confirmed_html", mail["html"].as_str().unwrap());
    let mail = rig.mail_of("order_cancelled").await;
    insta::assert_snapshot!("order_cancelled_text", mail["text"].as_str().unwrap());
    let mail = rig.mail_of("password_reset").await;
    // Shown to no one but the recipient: an admin who reads another's link owns the other's account.
    assert!(mail["html"].as_str().unwrap().contains("href=\"http://localhost:8080/reset-password?token=[redacted]\""));
    insta::assert_snapshot!("password_reset_text", mail["text"].as_str().unwrap());
    let file = rig.mail_file(&mail);
    assert!(file.contains("reset-password?token=3Da+token%26"), "{file}");
    let mail = rig.mail_of("email_changed").await;
    assert_eq!(mail["to"], EMAIL, "the old address is informed");
    insta::assert_snapshot!("email_changed_text", mail["text"].as_str().unwrap());
    let mail = rig.mail_of("password_changed").await;
    assert_eq!(mail["to"], "ada@new.example");
    insta::assert_snapshot!("password_changed_text", mail["text"].as_str().unwrap());
}

#[tokio::test]
async fn payment_on_delivery_is_not_requested_now() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    let mut on_delivery = order(ada, 42, 2);
    (on_delivery.payment_terms, on_delivery.pay_by) = (PaymentTerms::OnDelivery, None);
    rig.deliver(&confirmed(on_delivery)).await;
    let text = rig.mail_of("order_confirmed").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("nothing to pay now") && !text.contains("Pay now"), "{text}");
}

#[tokio::test]
async fn carts_and_wishlists_lead_to_notices_for_their_owner() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    let soon = rig.world.clock.now().plus(Duration::from_secs(7_200));
    rig.deliver(&abandoned(ada, soon)).await;
    rig.deliver(&back_in_stock(ada, 4)).await;
    rig.deliver(&price_dropped(ada, 4)).await;
    assert_eq!(rig.deliver(&checked_out(ada)).await, Outcome::Ignored);
    assert_eq!(rig.deliver(&cart_expired(ada)).await, Outcome::Ignored);
    assert_eq!(rig.kinds(ada).await, ["welcome", "cart_reminder", "back_in_stock", "price_dropped"]);
    let text = rig.mail_of("cart_reminder").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("2 x Enamel kettle, 1.5 l\n  2 x an item"), "{text}");
    let text = rig.mail_of("price_dropped").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("€19.99 instead of €24.99") && text.contains("localhost:8080/products/101"), "{text}");
    assert_eq!(rig.deliver(&price_dropped(ada, 3)).await, Outcome::Ignored, "an older price is ignored");
}

#[tokio::test]
async fn low_stock_leads_to_a_notice_for_every_admin_who_is_not_locked() {
    let rig = Rig::new().await;
    let ada = user(5);
    let boss = user(6);
    let other = user(7);
    let locked = user(8);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    for (admin, email) in [(boss, "boss@example.org"), (other, "other@example.org"), (locked, "gone@example.org")] {
        rig.deliver(&registered(admin, email, "admin")).await;
    }
    let lock = UserChanged { role: "admin".into(), locked: true, ..changed(locked, "gone@example.org", 2) };
    rig.deliver(&lock).await;
    rig.deliver(&stock_low(8)).await;
    assert_eq!(rig.deliver(&stock_low(8)).await, Outcome::Ignored);
    for (who, is_notified) in [(ada, false), (boss, true), (other, true), (locked, false)] {
        assert_eq!(rig.kinds(who).await.contains(&"stock_low".to_owned()), is_notified, "{who}");
    }
    let text = rig.mail_of("stock_low").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("KIT-COOK-0001") && text.contains(": 4 can"), "{text}");
}

#[tokio::test]
async fn a_failed_refund_is_reported_to_the_admins_and_to_a_customer_who_was_notified_of_it() {
    let rig = Rig::new().await;
    let (ada, boss) = (user(5), user(6));
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&registered(boss, "boss@example.org", "admin")).await;
    rig.deliver(&refund_failed(ada, 42, false)).await;
    assert_eq!(rig.kinds(boss).await, ["welcome", "refund_failed"]);
    assert_eq!(rig.kinds(ada).await, ["welcome"], "the customer was never told of this refund");
    rig.deliver(&refund_failed(ada, 42, true)).await;
    assert_eq!(rig.kinds(boss).await, ["welcome", "refund_failed", "refund_failed"]);
    assert_eq!(rig.kinds(ada).await, ["welcome", "refund_returned"]);
    let text = rig.mail_of("refund_returned").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("€10.00") && text.contains("still yours"), "{text}");
    let text = rig.mail_of("refund_failed").await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("payment 7002") || text.contains("Refund payment"), "{text}");
    // An admin who buys is notified in both roles.
    rig.deliver(&refund_failed(boss, 43, true)).await;
    assert!(rig.kinds(boss).await.ends_with(&["refund_failed".to_owned(), "refund_returned".to_owned()]));
}

#[tokio::test]
async fn a_notice_is_marked_as_read_once_and_only_by_its_owner() {
    let rig = Rig::new().await;
    let ada = user(5);
    let eve = user(6);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    let own = rig.customer(ada);
    let id = own.get("/notifications").await.json["items"][0]["notificationId"].clone();
    let read = format!("/notifications/{id}/read");

    let foreign = rig.customer(eve);
    foreign.post(&read, json!({})).await.is_problem(404, "notification.not_found");
    rig.admin().post(&read, json!({})).await.is_problem(404, "notification.not_found");
    assert_eq!(foreign.get("/notifications").await.json["total"], 0);
    own.post("/notifications/123/read", json!({})).await.is_problem(404, "notification.not_found");
    assert_eq!(own.get("/notifications?unread=true").await.json["total"], 2, "both are unread");

    let first = own.send(reqwest::Method::POST, &read, None).await.expect(200).json;
    assert_eq!(first["notificationId"], id);
    rig.world.clock.advance(Duration::from_secs(60));
    let again = own.post(&read, json!({})).await.expect(200).json;
    assert_eq!(again["readAt"], first["readAt"], "the time of the first request stays");
    let unread = own.get("/notifications?unread=true").await.json;
    assert_eq!((&unread["total"], &unread["items"][0]["kind"]), (&json!(1), &json!("welcome")));
    assert_eq!(own.get("/notifications?unread=false").await.json["total"], 2);
}

#[tokio::test]
async fn all_notices_of_a_user_are_marked_as_read_at_once() {
    let rig = Rig::new().await;
    let (ada, eve) = (user(5), user(6));
    for person in [ada, eve] {
        rig.deliver(&registered(person, EMAIL, "customer")).await;
    }
    rig.deliver(&created(order(ada, 42, 1))).await;
    let own = rig.customer(ada);
    let newest = own.get("/notifications").await.json["items"][0]["notificationId"].clone();
    let early = own.post(&format!("/notifications/{newest}/read"), json!({})).await.expect(200).json["readAt"].clone();
    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    rig.world.clock.advance(Duration::from_secs(60));

    let read = own.send(reqwest::Method::POST, "/notifications/read", None).await.expect(200).json;
    assert_eq!(read["marked"], 2);
    let notices = own.get("/notifications").await.json["items"].clone();
    let times: Vec<_> = notices.as_array().unwrap().iter().map(|notice| notice["readAt"].clone()).collect();
    assert_eq!(times, [read["readAt"].clone(), early, read["readAt"].clone()], "the time of the first request stays");
    assert_eq!(own.post("/notifications/read", json!({})).await.expect(200).json["marked"], 0);
    assert_eq!(rig.customer(eve).get("/notifications?unread=true").await.json["total"], 1, "those of others stay");
    own.post("/notifications/read", json!({"all": true})).await.is_problem(400, "body.invalid");
    rig.started.client.post("/notifications/read", json!({})).await.is_problem(401, "auth.token_missing");
}

#[tokio::test]
async fn notices_and_mails_are_counted() {
    let rig = Rig::new().await;
    rig.world.publish(&registered(user(5), EMAIL, "customer")).await;
    eventually("the mail is sent", || async { rig.facts().await.notices == 1 }).await;
    rig.until_mails(1, "sent").await;
    eventually("the queue is counted as empty", || async {
        let text = rig.started.client.get("/metrics").await.text;
        text.contains("notices_total{service=\"notification\",kind=\"welcome\"}")
            && text.contains("mails_sent_total{service=\"notification\",kind=\"welcome\",outcome=\"sent\"}")
            && text.contains("mails_queued{service=\"notification\"}")
    })
    .await;
    rig.started.client.get("/health/ready").await.expect(200);
}
