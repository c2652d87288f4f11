//! A running notification service, with its consumers for deliveries by hand.

use std::time::Duration;

use serde_json::Value;
use souk_bus::{Consumer, Outcome};
use souk_events::{Envelope, Event, QUEUES};
use souk_kit::{Service as _, StartError};
use souk_notification::{
    Notification, NotificationConfig,
    audit::{self, NotificationAuditFacts},
};
use souk_testkit::{Client, Started, World, eventually};
use souk_values::{Secret, UserId};

pub struct Rig {
    pub world: World,
    pub started: Started,
    consumers: Vec<Consumer>,
}

impl Rig {
    pub async fn new() -> Self {
        Self::with_smtp("").await
    }

    /// Starts the service with a mail server at `url`, or with the mailbox folder when it is empty.
    pub async fn with_smtp(url: &str) -> Self {
        let world = World::new().await;
        let (started, consumers) = serve(&world, config(&world, url)).await.unwrap();
        Self { world, started, consumers }
    }

    /// Restarts the service on the same store, with a mail server at `url` unless it is empty.
    pub async fn restarted(self, url: &str) -> Self {
        assert!(self.started.running.stop().await, "it stops in time");
        let world = self.world;
        let (started, consumers) = serve(&world, config(&world, url)).await.unwrap();
        Self { world, started, consumers }
    }

    /// Returns a client with a fresh token: the test may have moved the clock.
    pub fn admin(&self) -> Client {
        self.started.client.with_token(self.world.admin())
    }

    pub fn customer(&self, user: UserId) -> Client {
        self.started.client.with_token(self.world.customer(user))
    }

    /// Delivers `event` to its consumer, as the bus would.
    pub async fn deliver<E: Event>(&self, event: &E) -> Outcome {
        self.deliver_envelope(self.world.envelope(event)).await
    }

    pub async fn deliver_envelope(&self, envelope: Envelope) -> Outcome {
        let takes = |queue: &str| {
            QUEUES.iter().any(|other| other.name == queue && other.binds.contains(&envelope.event_type.as_str()))
        };
        let consumer = self.consumers.iter().find(|consumer| takes(consumer.queue())).unwrap();
        consumer.handle(envelope.clone()).await.unwrap()
    }

    /// Returns the kinds of the user's notices, oldest first.
    pub async fn kinds(&self, user: UserId) -> Vec<String> {
        let page = self.customer(user).get("/notifications?size=100").await.expect(200).json;
        let kinds = page["items"].as_array().unwrap().iter().rev();
        kinds.map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Returns every mail of the store, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let page = self.admin().get("/notifications/sent?size=100").await.expect(200).json;
        page["items"].as_array().unwrap().clone()
    }

    /// Waits until there are `count` mails, all of them in `status`.
    pub async fn until_mails(&self, count: usize, status: &str) {
        eventually(&format!("{count} mails are {status}"), || async {
            let mails = self.mails().await;
            mails.len() == count && mails.iter().all(|mail| mail["status"] == status)
        })
        .await;
    }

    /// Moves the clock by `step` again and again until there are `count` mails, all of them in `status`. One move would not
    /// do: a task that has just read the time sleeps on from a later one.
    pub async fn until_mails_after(&self, step: Duration, count: usize, status: &str) {
        eventually(&format!("{count} mails are {status}"), || async {
            self.world.clock.advance(step);
            let mails = self.mails().await;
            mails.len() == count && mails.iter().all(|mail| mail["status"] == status)
        })
        .await;
    }

    /// Waits for a mail of this kind in the mailbox folder, and returns it.
    pub async fn mail_of(&self, kind: &str) -> Value {
        let sent = || async {
            let mails = self.mails().await;
            mails.into_iter().find(|mail| mail["kind"] == kind && mail["status"] == "sent")
        };
        eventually(&format!("a mail of {kind} is sent"), || async { sent().await.is_some() }).await;
        let id = sent().await.unwrap()["mailId"].clone();
        self.admin().get(&format!("/notifications/mailbox/{id}")).await.expect(200).json
    }

    /// Returns the file of a mail, as the recipient's mail program would get it.
    pub fn mail_file(&self, mail: &Value) -> String {
        let name = format!("{}.eml", mail["id"]);
        let file = std::fs::read_to_string(self.world.folder.path().join("mailbox").join(name)).unwrap();
        file.replace("=\r\n", "")
    }

    pub async fn facts(&self) -> NotificationAuditFacts {
        audit::read(&self.world.store_url("notification")).await.unwrap()
    }
}

pub fn config(world: &World, smtp_url: &str) -> NotificationConfig {
    NotificationConfig {
        store_url: world.store_url("notification"),
        smtp_url: Secret::new(smtp_url.to_owned()),
        mailbox_dir: world.folder.path().join("mailbox").display().to_string(),
        ..NotificationConfig::default()
    }
}

pub async fn serve(world: &World, config: NotificationConfig) -> Result<(Started, Vec<Consumer>), StartError> {
    // Boxed: the nested futures would exceed the compiler's depth limit.
    let service = Box::pin(Notification::build(config, &world.deps)).await?;
    let consumers = service.consumers.clone();
    Ok((world.serve(service).await, consumers))
}
