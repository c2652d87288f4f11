//! Delivery over SMTP: retries under the same Message-ID, rejected addresses, and the circuit breaker.

use std::{collections::BTreeSet, time::Duration};

use souk_testkit::eventually;
use souk_values::Clock;
use tokio::net::TcpListener;

use crate::{
    events::*,
    rig::{Rig, config, serve},
    smtp_server::{MailServer, header},
};

#[tokio::test]
async fn a_mail_is_sent_with_all_headers_and_both_bodies() {
    let server = MailServer::start().await;
    let rig = Rig::with_smtp(&server.url).await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    rig.until_mails(1, "sent").await;
    let mail = server.taken().remove(0);
    assert_eq!(header(&mail, "From"), "Souk <shop@localhost>");
    assert_eq!(header(&mail, "To"), "Ada <ada@example.org>");
    assert_eq!(header(&mail, "Subject"), "Welcome to Souk");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    let id = rig.mails().await[0]["mailId"].clone();
    assert_eq!(header(&mail, "Message-ID"), format!("<notice.{id}@localhost>"));
    assert!(header(&mail, "Content-Type").starts_with("multipart/alternative"));
    assert!(mail.contains("Content-Type: text/plain; charset=utf-8"));
    assert!(mail.contains("Content-Type: text/html; charset=utf-8"));
    assert_eq!(rig.admin().get("/notifications/mailbox").await.expect(200).json["total"], 0, "no file is kept");
}

#[tokio::test]
async fn the_date_comes_from_the_injected_clock() {
    let server = MailServer::start().await;
    let rig = Rig::with_smtp(&server.url).await;
    rig.world.clock.advance(Duration::from_secs(400 * 86_400));
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    rig.until_mails(1, "sent").await;
    let year = rig.world.clock.now().to_string()[..4].to_owned();
    assert!(header(&server.taken()[0], "Date").contains(&year), "{}", header(&server.taken()[0], "Date"));
}

#[tokio::test]
async fn a_failed_mail_is_retried_with_the_same_message_id() {
    let server = MailServer::start().await;
    server.refuse_next(2, "451 not now");
    let rig = Rig::with_smtp(&server.url).await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    for attempts in 1..=2 {
        eventually("it was attempted", || async { rig.mails().await[0]["attempts"] == attempts }).await;
        let mail = rig.mails().await.remove(0);
        assert_eq!(mail["status"], "queued");
        assert!(mail["error"].as_str().unwrap().contains("451"), "{mail}");
        rig.world.clock.advance(Duration::from_secs(60));
    }
    rig.until_mails(1, "sent").await;
    assert!(rig.mails().await[0].get("error").is_none());
    let offered = server.offered();
    let ids: BTreeSet<&str> = offered.iter().map(|mail| header(mail, "Message-ID")).collect();
    assert_eq!((offered.len(), ids.len()), (3, 1), "{ids:?}");
}

#[tokio::test]
async fn a_rejected_address_is_given_up_and_others_are_sent() {
    let server = MailServer::start().await;
    server.refuse_next(1, "550 no such user");
    let rig = Rig::with_smtp(&server.url).await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    rig.until_mails(1, "failed").await;
    rig.deliver(&registered(user(6), "bob@example.org", "customer")).await;
    eventually("the other is sent", || async { server.taken().len() == 1 }).await;
    assert_eq!(rig.facts().await.mails_failed, 1);
    let refused = rig.mails().await.into_iter().find(|mail| mail["status"] == "failed").unwrap();
    assert!(refused["error"].as_str().unwrap().contains("550"), "{refused}");
}

#[tokio::test]
async fn while_the_server_is_down_the_breaker_opens_and_no_mail_is_lost() {
    // The discard port, on which no process listens.
    let rig = Rig::with_smtp("smtp://127.0.0.1:9").await;
    for number in 1..=12 {
        rig.deliver(&registered(user(number), &format!("u{number}@example.org"), "customer")).await;
    }
    let state = |text: &str, state: &str| {
        text.lines().any(|line| {
            line.starts_with("resilience4j_circuitbreaker_state{")
                && line.contains("name=\"smtp\"")
                && line.contains(&format!("state=\"{state}\""))
                && line.ends_with(" 1")
        })
    };
    eventually("the breaker is open", || async { state(&rig.started.client.get("/metrics").await.text, "open") }).await;
    assert_eq!(rig.facts().await.mails_queued, 12);
    let server = MailServer::start().await;
    let rig = rig.restarted(&server.url).await;
    // Retries are due within a minute, and claims expire after three.
    rig.world.clock.advance(Duration::from_secs(600));
    rig.until_mails(12, "sent").await;
    let taken = server.taken();
    assert_eq!(taken.iter().map(|mail| header(mail, "Message-ID")).collect::<BTreeSet<_>>().len(), 12);
    assert_eq!(taken.len(), 12);
}

#[tokio::test]
async fn three_replicas_send_each_mail_once() {
    let server = MailServer::start().await;
    let rig = Rig::with_smtp(&server.url).await;
    let (_second, _) = serve(&rig.world, config(&rig.world, &server.url)).await.unwrap();
    let (_third, _) = serve(&rig.world, config(&rig.world, &server.url)).await.unwrap();
    for number in 1..=80 {
        rig.deliver(&registered(user(number), &format!("u{number}@example.org"), "customer")).await;
    }
    rig.until_mails(80, "sent").await;
    let taken = server.taken();
    assert_eq!(taken.iter().map(|mail| header(mail, "Message-ID")).collect::<BTreeSet<_>>().len(), 80);
    assert_eq!(taken.len(), 80, "no mail goes out twice");
}

#[tokio::test]
async fn a_mail_of_a_sender_that_died_is_taken_by_another_after_three_minutes() {
    // Accepts connections and never responds, so that its sender holds the mail as one that died does.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rig = Rig::with_smtp(&format!("smtp://{}", silent.local_addr().unwrap())).await;
    rig.deliver(&registered(user(1), "held@example.org", "customer")).await;
    let _connection = silent.accept().await.unwrap();
    let claimed_by = rig.world.clock.now();
    let server = MailServer::start().await;
    let (_another, _) = serve(&rig.world, config(&rig.world, &server.url)).await.unwrap();
    rig.deliver(&registered(user(2), "free@example.org", "customer")).await;
    let taken_after = async |step: Duration, count: usize| {
        eventually("they are taken", || async {
            rig.world.clock.advance(step);
            server.taken().len() == count
        })
        .await;
    };
    rig.world.clock.advance(Duration::from_secs(120));
    taken_after(Duration::from_millis(100), 1).await;
    assert!(rig.world.clock.now().since(claimed_by) < Duration::from_secs(180));
    assert!(header(&server.taken()[0], "To").contains("free@"), "the other one is claimed");
    rig.world.clock.advance(Duration::from_secs(60));
    taken_after(Duration::from_millis(100), 2).await;
    assert!(rig.world.clock.now().since(claimed_by) < Duration::from_secs(240));
    assert!(header(&server.taken()[1], "To").contains("held@"));
}
