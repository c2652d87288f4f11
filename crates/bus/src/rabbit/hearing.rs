//! What this process hears while it runs, and nobody keeps for it: events that wake those who wait for them, and
//! announcements. They come over an exclusive queue that is gone with its connection.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use lapin::{
    Consumer,
    message::Delivery,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::sync::broadcast;

use super::{
    answers::{Refusal, in_time, short},
    link::Link,
    message,
    session::Role,
};
use crate::{Announcement, Signal};

/// Messages that may wait for a process that is slow to take them; older ones are dropped.
const KEPT: i64 = 10_000;
/// The pause before the queue is made again after it was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Where what is heard goes. Nobody may be listening, which is fine.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub signals: broadcast::Sender<Signal>,
    pub announcements: broadcast::Sender<Announcement>,
}

/// Sends on what is announced, and what is published of the types that `role` names, for as long as this is polled.
/// Tells of each time that it begins: what was announced before was missed.
pub(super) async fn listen(link: Arc<Link>, role: Role, heard: Heard) {
    loop {
        match consume(&link, &role).await {
            Ok(mut messages) => {
                // Only now: what is announced from here on is heard.
                let _ = heard.announcements.send(Announcement::missed());
                while let Some(Ok(message)) = messages.next().await {
                    heard.take(&role, &message);
                }
                tracing::warn!("the queue that wakes waiting requests was lost; they look every second anyway");
            }
            Err(refusal) => tracing::warn!(error = refusal.text, "waiting requests are not woken for now"),
        }
        // Real time on purpose: the pace of trying again.
        tokio::time::sleep(PAUSE).await;
    }
}

impl Heard {
    fn take(&self, role: &Role, message: &Delivery) {
        if message.exchange.as_str() == role.names.announcements() {
            match serde_json::from_slice(&message.data) {
                Ok(announcement) => {
                    let _ = self.announcements.send(Announcement(Arc::new(announcement)));
                }
                Err(error) => tracing::debug!(error = %error, "an announcement that is no JSON was passed over"),
            }
        } else if let Some(subject) = message::subject(&message.properties) {
            let _ = self.signals.send(Signal { event_type: message.routing_key.to_string(), subject });
        }
    }
}

async fn consume(link: &Link, role: &Role) -> Result<Consumer, Refusal> {
    let channel = link.channel().await?;
    let mut arguments = FieldTable::default();
    arguments.insert(short("x-max-length")?, AMQPValue::LongLongInt(KEPT));
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = in_time(channel.queue_declare(short("")?, options, arguments)).await?;
    let wakes = role.wakes.iter().map(|wake| {
        let key = if wake.ends_with('.') { format!("{wake}#") } else { (*wake).to_owned() };
        (role.names.events(), key)
    });
    for (exchange, key) in wakes.chain([(role.names.announcements(), "#".to_owned())]) {
        let (name, exchange) = (queue.name().clone(), short(exchange)?);
        let binding =
            channel.queue_bind(name, exchange, short(key)?, QueueBindOptions::default(), FieldTable::default());
        in_time(binding).await?;
    }
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
    in_time(channel.basic_consume(queue.name().clone(), short("")?, options, FieldTable::default())).await
}
