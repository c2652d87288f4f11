//! Bounds of the mails that a stranger can cause: their number by address, and the name in them.

use std::time::Duration;

use souk_testkit::eventually;
use souk_values::Clock;

use crate::{events::*, rig::Rig};

async fn until(rig: &Rig, sent: usize, failed: usize) {
    eventually(&format!("{sent} mails are sent and {failed} refused"), || async {
        let mails = rig.mails().await;
        let count = |status: &str| mails.iter().filter(|mail| mail["status"] == status).count();
        (count("sent"), count("failed")) == (sent, failed)
    })
    .await;
}

#[tokio::test]
async fn an_address_gets_few_mails_of_a_kind_in_an_hour() {
    let rig = Rig::new().await;
    let (ada, end) = (user(5), rig.world.clock.now().plus(Duration::from_secs(7_200)));
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    for number in 0..8 {
        rig.deliver(&reset(ada, &format!("token-{number}"), end)).await;
    }
    // Beside the welcome, five of eight.
    until(&rig, 6, 3).await;
    let refused = rig.mails().await.into_iter().find(|mail| mail["status"] == "failed").unwrap();
    assert_eq!(refused["error"], "too many mails of this kind to this address within an hour");
    // A flood of resets does not keep a warning away, and other spellings of an address are the same.
    rig.deliver(&password_changed(ada, EMAIL)).await;
    until(&rig, 7, 3).await;
    for number in 6..12 {
        rig.deliver(&registered(user(number), &EMAIL.to_uppercase(), "customer")).await;
    }
    until(&rig, 11, 5).await;
    rig.world.clock.advance(Duration::from_secs(3_601));
    rig.deliver(&reset(ada, "token-9", end)).await;
    until(&rig, 12, 5).await;
}

#[tokio::test]
async fn no_name_is_a_link_in_a_mail() {
    let rig = Rig::new().await;
    let ada = user(5);
    let name = "Your prize: https://evil.example/win".to_owned();
    rig.deliver(&souk_events::UserRegistered { username: name, ..registered(ada, EMAIL, "customer") }).await;
    let mut facts = order(ada, 42, 1);
    facts.shipping_address.line1 = "www.evil.example".to_owned();
    rig.deliver(&created(facts)).await;
    for kind in ["welcome", "order_received"] {
        let file = rig.mail_file(&rig.mail_of(kind).await);
        assert!(!file.contains("evil.example") && file.contains("evil example"), "{file}");
    }
}
