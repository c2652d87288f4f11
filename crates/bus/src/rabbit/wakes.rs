//! Wakes those who wait for an event: an exclusive queue of this process, gone with its connection.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use lapin::{
    Consumer,
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
use crate::Signal;

/// Wakes that may wait for a process that is slow to take them; older ones are dropped.
const KEPT: i64 = 10_000;
/// The pause before the queue is made again after it was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends on what is published of the types that `role` names, for as long as this is polled.
pub(super) async fn listen(link: Arc<Link>, role: Role, signals: broadcast::Sender<Signal>) {
    loop {
        match consume(&link, &role).await {
            Ok(mut wakes) => {
                while let Some(Ok(wake)) = wakes.next().await {
                    if let Some(subject) = message::subject(&wake.properties) {
                        // Nobody may be listening, which is fine.
                        let _ = signals.send(Signal { event_type: wake.routing_key.to_string(), subject });
                    }
                }
                tracing::warn!("the queue that wakes waiting requests was lost; they look every second anyway");
            }
            Err(refusal) => tracing::warn!(error = refusal.text, "waiting requests are not woken for now"),
        }
        // Real time on purpose: the pace of trying again.
        tokio::time::sleep(PAUSE).await;
    }
}

async fn consume(link: &Link, role: &Role) -> Result<Consumer, Refusal> {
    let channel = link.channel().await?;
    let mut arguments = FieldTable::default();
    arguments.insert(short("x-max-length")?, AMQPValue::LongLongInt(KEPT));
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = in_time(channel.queue_declare(short("")?, options, arguments)).await?;
    for wake in &role.wakes {
        let key = if wake.ends_with('.') { format!("{wake}#") } else { (*wake).to_owned() };
        let (name, exchange) = (queue.name().clone(), short(role.names.events())?);
        let binding =
            channel.queue_bind(name, exchange, short(key)?, QueueBindOptions::default(), FieldTable::default());
        in_time(binding).await?;
    }
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
    in_time(channel.basic_consume(queue.name().clone(), short("")?, options, FieldTable::default())).await
}
