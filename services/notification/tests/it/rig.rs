//! A started notification service, with its consumers at hand.

use serde_json::Value;
use souk_bus::{Consumer, Outcome};
use souk_events::{Envelope, Event, QUEUES};
use souk_kit::StartError;
use souk_notification::{NotificationConfig, audit, build};
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

    /// With a mail server at this URL, if it is not empty.
    pub async fn with_smtp(url: &str) -> Self {
        let world = World::new().await;
        let (started, consumers) = serve(&world, config(&world, url)).await.unwrap();
        Self { world, started, consumers }
    }

    /// Stops the service and starts another on the same store, with a mail server at `url` if any.
    pub async fn restarted(self, url: &str) -> Self {
        assert!(self.started.running.stop().await, "it stops in time");
        let world = self.world;
        let (started, consumers) = serve(&world, config(&world, url)).await.unwrap();
        Self { world, started, consumers }
    }

    /// An admin, with a token that has not expired.
    pub fn admin(&self) -> Client {
        self.started.client.with_token(self.world.admin())
    }

    pub fn customer(&self, user: UserId) -> Client {
        self.started.client.with_token(self.world.customer(user))
    }

    /// Hands `event` to its consumer, as the bus would.
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

    /// The kinds of the user's notices, oldest first.
    pub async fn kinds(&self, user: UserId) -> Vec<String> {
        let page = self.customer(user).get("/notifications?size=100").await.expect(200).json;
        let kinds = page["items"].as_array().unwrap().iter().rev();
        kinds.map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Every mail of the store, newest first.
    pub async fn mails(&self) -> Vec<Value> {
        let page = self.admin().get("/notifications/sent?size=100").await.expect(200).json;
        page["items"].as_array().unwrap().clone()
    }

    /// Waits until there are `count` mails and all are of `status`.
    pub async fn until_mails(&self, count: usize, status: &str) {
        eventually(&format!("{count} mails are {status}"), || async {
            let mails = self.mails().await;
            mails.len() == count && mails.iter().all(|mail| mail["status"] == status)
        })
        .await;
    }

    /// The mailbox's mail of this kind, whole, once it is there.
    pub async fn mail_of(&self, kind: &str) -> Value {
        let sent = || async {
            let mails = self.mails().await;
            mails.into_iter().find(|mail| mail["kind"] == kind && mail["status"] == "sent")
        };
        eventually(&format!("a mail of {kind} is sent"), || async { sent().await.is_some() }).await;
        let id = sent().await.unwrap()["mailId"].clone();
        self.admin().get(&format!("/notifications/mailbox/{id}")).await.expect(200).json
    }

    pub async fn facts(&self) -> audit::Facts {
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
    let service = build(config, &world.deps).await?;
    let consumers = service.consumers.clone();
    Ok((world.serve(service).await, consumers))
}
