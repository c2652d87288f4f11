//! The mailbox folder: its list, its mails, and no file outside it.

use std::fs;

use serde_json::json;
use souk_testkit::eventually;

use crate::{events::*, rig::Rig};

#[tokio::test]
async fn mails_are_files_that_an_admin_reads() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.until_mails(1, "sent").await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(2, "sent").await;

    let list = rig.admin().get("/notifications/mailbox").await.expect(200).json;
    assert_eq!((&list["total"], &list["page"], &list["size"]), (&json!(2), &json!(0), &json!(20)));
    let newest = &list["items"][0];
    assert_eq!((&newest["subject"], &newest["to"]), (&json!("We have received your order 42"), &json!(EMAIL)));
    assert_eq!(list["items"][1]["subject"], "Welcome to Souk");
    let file = rig.world.folder.path().join(format!("mailbox/{}.eml", newest["id"]));
    assert_eq!(newest["size"], fs::metadata(file).unwrap().len());

    let mail = rig.admin().get(&format!("/notifications/mailbox/{}", newest["id"])).await.expect(200).json;
    assert!(mail["text"].as_str().unwrap().contains("1 x Café “Größe” cup & saucer, €24.50 each: €24.50"));
    assert!(mail["html"].as_str().unwrap().contains("Café “Größe” cup &amp; saucer"));
    assert_eq!(mail["messageId"], format!("<notice.{}@localhost>", newest["id"]));
    assert_eq!(mail["sentAt"], newest["sentAt"]);
    let second = rig.admin().get("/notifications/mailbox?page=1&size=1").await.expect(200).json;
    assert_eq!((&second["total"], &second["items"][0]["subject"]), (&json!(2), &json!("Welcome to Souk")));
}

#[tokio::test]
async fn no_file_outside_the_folder_is_shown() {
    let rig = Rig::new().await;
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    rig.until_mails(1, "sent").await;
    fs::write(rig.world.folder.path().join("1.eml"), "Subject: outside\n\nsecret").unwrap();
    fs::write(rig.world.folder.path().join("mailbox/notes.eml"), "Subject: no number\n\n").unwrap();
    fs::write(rig.world.folder.path().join("mailbox/.7.draft"), "half of it").unwrap();
    for id in ["..%2F1", "%2e%2e%2f1", "..%2F1.eml", "..%5C1", "%2Fetc%2Fpasswd", "1%00", "notes", "-1", "1.eml"] {
        rig.admin().get(&format!("/notifications/mailbox/{id}")).await.is_problem(400, "path.invalid");
    }
    for path in ["/notifications/mailbox/../1", "/notifications/mailbox/..%2F..%2F1/x"] {
        assert_eq!(rig.admin().get(path).await.status, 404, "{path}");
    }
    rig.admin().get("/notifications/mailbox/1").await.is_problem(404, "mail.not_found");
    assert_eq!(rig.admin().get("/notifications/mailbox").await.json["total"], 1, "other files are not mails");
    for path in ["/notifications/mailbox", "/notifications/mailbox/1", "/notifications/sent"] {
        rig.customer(user(5)).get(path).await.is_problem(403, "auth.forbidden");
    }
}

#[tokio::test]
async fn a_missing_folder_loses_no_mail() {
    let rig = Rig::new().await;
    let folder = rig.world.folder.path().join("mailbox");
    fs::remove_dir_all(&folder).unwrap();
    rig.deliver(&registered(user(5), EMAIL, "customer")).await;
    eventually("it was attempted", || async { rig.mails().await[0]["attempts"] == 1 }).await;
    assert_eq!(rig.admin().get("/notifications/mailbox").await.expect(200).json["total"], 0);
    fs::create_dir_all(&folder).unwrap();
    rig.world.clock.advance(std::time::Duration::from_secs(60));
    rig.until_mails(1, "sent").await;
}
