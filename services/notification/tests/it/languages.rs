//! Mails and notices are in their reader's language.

use std::time::Duration;

use serde_json::{Value, json};
use souk_events::{PasswordResetRequested, UserChanged, UserRegistered};
use souk_testkit::eventually;
use souk_values::{Clock, UserId};

use crate::{events::*, rig::Rig, smtp_server::MailServer};

fn speaks(user: UserId, email: &str, role: &str, language: Option<&str>) -> UserRegistered {
    UserRegistered { language: language.map(Into::into), ..registered(user, email, role) }
}

fn switches(user: UserId, version: i64, language: Option<&str>) -> UserChanged {
    UserChanged { language: language.map(Into::into), ..changed(user, EMAIL, version) }
}

/// Returns title and language of the user's notices, oldest first.
async fn titles(rig: &Rig, user: UserId) -> Vec<(String, String)> {
    let page = rig.customer(user).get("/notifications?size=100").await.expect(200).json;
    let text = |notice: &Value, field: &str| notice[field].as_str().unwrap().to_owned();
    page["items"].as_array().unwrap().iter().rev().map(|item| (text(item, "title"), text(item, "language"))).collect()
}

/// Delivers an event of every kind to a customer and an admin who speak `language`, and returns all mails by their kind.
async fn mails_of_every_kind(rig: &Rig, language: &str) -> Vec<(String, Value)> {
    let (ada, boss) = (user(5), user(6));
    rig.deliver(&speaks(ada, EMAIL, "customer", Some(language))).await;
    rig.deliver(&speaks(boss, "boss@example.org", "admin", Some(language))).await;
    let in_an_hour = rig.world.clock.now().plus(Duration::from_secs(3_600));
    rig.deliver(&reset(ada, "t0ken", in_an_hour)).await;
    rig.deliver(&password_changed(ada, EMAIL)).await;
    rig.deliver(&email_changed(ada, EMAIL, "ada@new.example")).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.deliver(&confirmed(order(ada, 42, 2))).await;
    rig.deliver(&payment_failed(ada, 42)).await;
    rig.deliver(&paid(order(ada, 42, 3))).await;
    rig.deliver(&shipped(order(ada, 42, 4))).await;
    rig.deliver(&delivered(order(ada, 42, 5))).await;
    rig.deliver(&cancelled(order(ada, 43, 2))).await;
    rig.deliver(&refunded(ada, 42)).await;
    rig.deliver(&refund_failed(ada, 42, true)).await;
    rig.deliver(&abandoned(ada, in_an_hour)).await;
    rig.deliver(&back_in_stock(ada, 4)).await;
    rig.deliver(&price_dropped(ada, 4)).await;
    rig.deliver(&stock_low(8)).await;
    rig.until_mails(18, "sent").await;
    let mut mails = Vec::new();
    for mail in rig.mails().await {
        let kind = mail["kind"].as_str().unwrap().to_owned();
        let id = &mail["mailId"];
        mails.push((kind, rig.admin().get(&format!("/notifications/mailbox/{id}")).await.expect(200).json));
    }
    mails
}

#[tokio::test]
async fn a_german_customer_gets_every_mail_in_german() {
    let rig = Rig::new().await;
    let mails = mails_of_every_kind(&rig, "de").await;
    let subject = |kind: &str| mails.iter().find(|(other, _)| other == kind).unwrap().1["subject"].clone();
    for (kind, expected) in [
        ("welcome", "Willkommen bei Souk"),
        ("password_reset", "Neues Passwort wählen"),
        ("password_changed", "Ihr Passwort wurde geändert"),
        ("email_changed", "Ihre E-Mail-Adresse wurde geändert"),
        ("order_received", "Ihre Bestellung 42 ist bei uns eingegangen"),
        ("order_confirmed", "Ihre Bestellung 42 ist bestätigt"),
        ("order_cancelled", "Ihre Bestellung 43 wurde storniert"),
        ("order_paid", "Ihre Zahlung für Bestellung 42 ist eingegangen"),
        ("order_shipped", "Ihre Bestellung 42 ist unterwegs"),
        ("payment_failed", "Ihre Zahlung für Bestellung 42 ist fehlgeschlagen"),
        ("payment_refunded", "Wir haben Ihnen 10,00\u{a0}€ erstattet"),
        ("refund_returned", "Ihre Erstattung von 10,00\u{a0}€ ist nicht angekommen"),
        ("refund_failed", "Die Erstattung von 10,00\u{a0}€ für Bestellung 42 ist fehlgeschlagen"),
        ("cart_reminder", "Ihr Warenkorb wartet auf Sie"),
        ("back_in_stock", "Wieder verfügbar: Enamel kettle, 1.5 l"),
        ("price_dropped", "Jetzt 19,99\u{a0}€: Enamel kettle, 1.5 l"),
        ("stock_low", "Nur noch 4 Stück: Enamel kettle, 1.5 l"),
    ] {
        assert_eq!(subject(kind), expected);
    }
    for (kind, mail) in &mails {
        let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
        assert!(text.starts_with("Guten Tag Ada,\n\n") && text.contains("Mit freundlichen Grüßen"), "{kind}: {text}");
        assert!(html.contains("<html lang=\"de\">") && html.contains("Guten Tag Ada,"), "{kind}: {html}");
        for word in ["Hello", "Your", "your", " the ", " order", " EUR", "January"] {
            assert!(!text.contains(word), "{kind} has {word}: {text}");
        }
        assert!(rig.mail_file(mail).contains("Content-Language: de\r\n"), "{kind}");
    }
    let confirmed = mails.iter().find(|(kind, _)| kind == "order_confirmed").unwrap().1["text"].as_str().unwrap();
    assert!(confirmed.contains("Bitte bezahlen Sie 64,48\u{a0}€ bis zum 31. Januar 2026, 12:30 UTC."), "{confirmed}");
    let notices = titles(&rig, user(5)).await;
    assert!(notices.contains(&("Ihre Bestellung 42 ist angekommen".to_owned(), "de".to_owned())), "{notices:?}");
    assert!(notices.iter().all(|(_, language)| language == "de"), "{notices:?}");
}

#[tokio::test]
async fn an_english_customer_gets_every_mail_in_english() {
    let rig = Rig::new().await;
    for (kind, mail) in mails_of_every_kind(&rig, "en").await {
        let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
        assert!(text.starts_with("Hello Ada,\n\n") && html.contains("<html lang=\"en\">"), "{kind}: {text}");
        assert!(rig.mail_file(&mail).contains("Content-Language: en\r\n"), "{kind}");
    }
}

#[tokio::test]
async fn each_admin_gets_the_own_language() {
    let rig = Rig::new().await;
    let (boss, chef, old) = (user(6), user(7), user(8));
    rig.deliver(&speaks(boss, "boss@example.org", "admin", Some("en"))).await;
    rig.deliver(&speaks(chef, "chef@example.org", "admin", Some("de"))).await;
    rig.deliver(&speaks(old, "old@example.org", "admin", None)).await;
    rig.deliver(&stock_low(8)).await;
    rig.until_mails(6, "sent").await;
    for (admin, title) in [
        (boss, "Only 4 left: Enamel kettle, 1.5 l"),
        (chef, "Nur noch 4 Stück: Enamel kettle, 1.5 l"),
        (old, "Only 4 left: Enamel kettle, 1.5 l"),
    ] {
        assert_eq!(titles(&rig, admin).await.last().unwrap().0, title);
        let mails = rig.mails().await;
        let own = mails.iter().find(|mail| mail["kind"] == "stock_low" && mail["userId"] == json!(admin)).unwrap();
        assert_eq!(own["subject"], title);
    }
}

#[tokio::test]
async fn a_contact_of_an_earlier_release_has_english_until_auth_publishes_another() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&speaks(ada, EMAIL, "customer", None)).await;
    rig.deliver(&switches(ada, 2, None)).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.deliver(&switches(ada, 3, Some("de"))).await;
    rig.deliver(&created(order(ada, 43, 1))).await;
    // A replica of the earlier release publishes a new name, and a later one a language that this one does not have.
    rig.deliver(&switches(ada, 4, None)).await;
    rig.deliver(&switches(ada, 5, Some("fr"))).await;
    rig.deliver(&created(order(ada, 44, 1))).await;
    // Too late.
    rig.deliver(&switches(ada, 2, Some("en"))).await;
    rig.deliver(&created(order(ada, 45, 1))).await;
    let english = |title: &str| (title.to_owned(), "en".to_owned());
    let german = |number: i64| (format!("Ihre Bestellung {number} ist bei uns eingegangen"), "de".to_owned());
    let expected =
        [english("Welcome to Souk"), english("We have received your order 42"), german(43), german(44), german(45)];
    assert_eq!(titles(&rig, ada).await, expected);
}

#[tokio::test]
async fn a_mail_is_in_the_language_of_the_time_it_is_sent() {
    let server = MailServer::start().await;
    server.refuse_next(1, "451 later");
    let rig = Rig::with_smtp(&server.url).await;
    let ada = user(5);
    rig.deliver(&speaks(ada, EMAIL, "customer", Some("en"))).await;
    eventually("it was attempted", || async { rig.mails().await[0]["attempts"] == 1 }).await;
    assert_eq!(rig.mails().await[0]["subject"], "Welcome to Souk");
    rig.deliver(&switches(ada, 2, Some("de"))).await;
    rig.world.clock.advance(Duration::from_secs(60));
    rig.until_mails(1, "sent").await;
    assert_eq!(rig.mails().await[0]["subject"], "Willkommen bei Souk", "admins see what was sent");
    let sent = server.taken().remove(0);
    assert!(sent.contains("Subject: Willkommen bei Souk\r\n") && sent.contains("Guten Tag Ada B.,"), "{sent}");
    let notices = titles(&rig, ada).await;
    assert_eq!(notices, [("Welcome to Souk".to_owned(), "en".to_owned())], "a notice stays as it was written");
}

#[tokio::test]
async fn a_mail_that_waits_for_its_address_is_in_the_language_that_comes_with_it() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(1, "waiting").await;
    rig.deliver(&speaks(ada, EMAIL, "customer", Some("de"))).await;
    rig.until_mails(2, "sent").await;
    let mail = rig.mail_of("order_received").await;
    assert_eq!(mail["subject"], "Ihre Bestellung 42 ist bei uns eingegangen");
}

#[tokio::test]
async fn a_reset_before_its_users_contact_is_in_the_users_language() {
    let rig = Rig::new().await;
    let ada = user(5);
    let in_an_hour = rig.world.clock.now().plus(Duration::from_secs(3_600));
    let german = |token: &str| PasswordResetRequested { language: Some("de".into()), ..reset(ada, token, in_an_hour) };
    rig.deliver(&german("one")).await;
    rig.until_mails(1, "sent").await;
    assert_eq!(rig.mail_of("password_reset").await["subject"], "Neues Passwort wählen");
    // The contact's own language counts more.
    rig.deliver(&speaks(ada, EMAIL, "customer", Some("en"))).await;
    rig.deliver(&german("two")).await;
    rig.until_mails(3, "sent").await;
    let mails = rig.mails().await;
    let mut subjects: Vec<&str> = mails.iter().map(|mail| mail["subject"].as_str().unwrap()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["Choose a new password", "Neues Passwort wählen", "Welcome to Souk"]);
}
