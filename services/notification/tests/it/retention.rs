//! Notices and mails are deleted after their configured time, and a mail that may still be sent is not.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use souk_kit::Service as _;
use souk_notification::{Notification, NotificationConfig};
use souk_testkit::{World, eventually};
use souk_values::{Clock, DAY, IdGen};

use crate::{
    events::*,
    rig::{Rig, config},
};

/// Jobs of the store that delete, as they are named in `job_run`.
const JOBS: i64 = 5;

struct Kept {
    rig: Rig,
    store: DatabaseConnection,
}

impl Kept {
    async fn new() -> Self {
        let rig = Rig::new().await;
        let store = Database::connect(rig.world.store_url("notification")).await.unwrap();
        Self { rig, store }
    }

    async fn count(&self, rows: &str) -> i64 {
        let sql = format!("SELECT COUNT(*) AS n FROM {rows}");
        let row = self.store.query_one_raw(Statement::from_string(self.store.get_database_backend(), sql)).await;
        row.unwrap().unwrap().try_get("", "n").unwrap()
    }

    /// Moves the clock by a few hours again and again until there are `wanted` of `rows`.
    async fn until(&self, rows: &str, wanted: i64) {
        eventually(&format!("there are {wanted} of {rows}"), || async {
            self.rig.world.clock.advance(Duration::from_secs(4 * 3_600));
            self.count(rows).await == wanted
        })
        .await;
    }

    /// Moves the clock by `days`, and waits until the jobs have run after that.
    async fn pass(&self, days: u32) {
        self.rig.world.clock.advance(DAY * days);
        let then = self.rig.world.clock.now().millis();
        self.until(&format!("job_run WHERE job LIKE 'purge_%' AND claimed_at >= {then}"), JOBS).await;
        // Time in which a run that deletes too much would do so.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn files(rig: &Rig) -> usize {
    std::fs::read_dir(rig.world.folder.path().join("mailbox")).unwrap().count()
}

#[tokio::test]
async fn mails_go_with_their_files_after_ninety_days_and_notices_after_a_year() {
    let kept = Kept::new().await;
    let rig = &kept.rig;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.until_mails(1, "sent").await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.until_mails(2, "sent").await;
    // A draft of a process that was killed while it wrote the file.
    let draft = format!(".{}.half", IdGen::before(rig.world.clock.now()) - 1);
    std::fs::write(rig.world.folder.path().join("mailbox").join(draft), "half").unwrap();
    std::fs::write(rig.world.folder.path().join("mailbox/notes.txt"), "no mail").unwrap();

    kept.pass(85).await;
    assert_eq!((kept.count("mail").await, kept.count("notice").await, files(rig)), (2, 2, 4));
    rig.deliver(&paid(order(ada, 42, 3))).await;
    rig.until_mails(3, "sent").await;
    kept.until("mail", 1).await;
    eventually("only the new mail and a foreign file stay", || async { files(rig) == 2 }).await;
    assert_eq!(rig.mails().await[0]["kind"], "order_paid");
    assert_eq!(rig.kinds(ada).await, ["welcome", "order_received", "order_paid"]);

    kept.pass(270).await;
    assert_eq!(kept.count("notice").await, 3);
    kept.until("notice", 1).await;
    assert_eq!(rig.kinds(ada).await, ["order_paid"]);
    // A version that was received later keeps the subject.
    assert_eq!(kept.count("latest_news").await, 1);
    rig.world.clock.advance(DAY * 80);
    kept.until("notice", 0).await;
    kept.until("latest_news", 0).await;
    // The next one has the next position, by which streams resume.
    rig.deliver(&shipped(order(ada, 42, 4))).await;
    assert_eq!(kept.count("notice WHERE position = 4").await, 1);
    let metrics = rig.started.client.get("/metrics").await.text;
    for job in
        ["purge_notices", "purge_latest_news", "purge_mails", "purge_mailbox", "purge_unaddressed_mails", "purge_inbox"]
    {
        for series in ["retention_deleted_total", "retention_ran_at_seconds"] {
            assert!(
                metrics.contains(&format!("{series}{{service=\"notification\",job=\"{job}\"}} ")),
                "{series} {job}"
            );
        }
    }
}

#[tokio::test]
async fn a_mail_that_may_still_be_sent_is_kept_whatever_its_age() {
    let kept = Kept::new().await;
    let rig = &kept.rig;
    let ada = user(5);
    rig.deliver(&registered(ada, EMAIL, "customer")).await;
    rig.deliver(&created(order(ada, 42, 1))).await;
    rig.deliver(&paid(order(ada, 42, 3))).await;
    rig.until_mails(3, "sent").await;
    let never = i64::MAX / 4;
    for (kind, status) in [("order_received", "queued"), ("order_paid", "waiting")] {
        // No end, which the sender and the other job would notice.
        let sql = format!(
            "UPDATE mail SET status = '{status}', due_at = {never}, good_until = {never}, facts = '{{}}' WHERE kind = '{kind}'"
        );
        assert_eq!(kept.store.execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
    }
    rig.world.clock.advance(DAY * 120);
    kept.until("mail WHERE status = 'sent'", 0).await;
    kept.pass(1).await;
    assert_eq!(kept.count("mail").await, 2);
}

/// A job that deleted all of a year in one transaction would hold its locks for as long.
#[tokio::test]
async fn many_old_notices_go_and_no_other() {
    let kept = Kept::new().await;
    let (now, day) = (kept.rig.world.clock.now(), DAY);
    let row = |number: i64, days: u32| {
        let at = now.minus(day * days);
        let id = IdGen::before(at) + number;
        format!("({id}, 5, {id}, 'event-{id}', 'welcome', 'Hello', 'Hello', {})", at.millis())
    };
    let old = (0..2_300).map(|number| row(number, 366));
    let rows: Vec<String> = old.chain((0..1_200).map(|number| row(number, 300))).collect();
    for part in rows.chunks(500) {
        let sql = format!(
            "INSERT INTO notice (notification_id, user_id, position, event_id, kind, title, body, created_at) VALUES {}",
            part.join(",")
        );
        kept.store.execute_unprepared(&sql).await.unwrap();
    }
    kept.until("notice", 1_200).await;
    kept.pass(0).await;
    assert_eq!(kept.count("notice").await, 1_200);
}

#[tokio::test]
async fn times_that_are_too_short_are_refused_together() {
    let world = World::new().await;
    let wrong = NotificationConfig { notices_kept_days: 30, mails_kept_days: 0, ..config(&world, "") };
    let error = Notification::build(wrong, &world.deps).await.unwrap_err().to_string();
    for key in ["notices-kept-days", "mails-kept-days"] {
        assert!(error.contains(&format!("notification.{key} must be at least 31")), "{error}");
    }
}
