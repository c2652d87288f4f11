//! Receives what is not stored for this process: signals of published events and announcements. They come over an
//! exclusive queue that the broker deletes with its connection.

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
    connection::BrokerConnection,
    message,
    options::Options,
    replies::{Refusal, in_time, short},
};
use crate::{Announcement, Signal};

/// Maximum number of messages in the queue. A process that is slower than that loses the oldest.
const MAX_LENGTH: i64 = 10_000;
/// Pause before the queue is declared again after it was lost.
const PAUSE: Duration = Duration::from_secs(1);

/// The local receivers of signals and announcements. Sending to them fails if there are none, which is fine.
#[derive(Debug, Clone)]
pub(super) struct Receivers {
    pub signals: broadcast::Sender<Signal>,
    pub announcements: broadcast::Sender<Announcement>,
}

/// Forwards announcements, and signals of the types in `options`, to `receivers` while this is polled. Sends
/// [`Announcement::missed`] whenever it starts, because earlier announcements may have been missed.
pub(super) async fn listen(connection: Arc<BrokerConnection>, options: Options, receivers: Receivers) {
    loop {
        match consume(&connection, &options).await {
            Ok(mut messages) => {
                // Not before the queue is bound: an announcement in between would be missed without notice.
                let _ = receivers.announcements.send(Announcement::missed());
                while let Some(Ok(message)) = messages.next().await {
                    receivers.forward(&options, &message);
                }
                tracing::warn!("the queue of signals was lost; waiting requests poll every second meanwhile");
            }
            Err(refusal) => tracing::warn!(error = refusal.text, "signals cannot be received for now"),
        }
        // In real time, unlike the terms of the business.
        tokio::time::sleep(PAUSE).await;
    }
}

impl Receivers {
    fn forward(&self, options: &Options, message: &Delivery) {
        if message.exchange.as_str() == options.names.announcements() {
            match serde_json::from_slice(&message.data) {
                Ok(announcement) => {
                    let _ = self.announcements.send(Announcement(Arc::new(announcement)));
                }
                Err(error) => tracing::debug!(error = %error, "an announcement that is not JSON was ignored"),
            }
        } else if let Some(subject) = message::subject(&message.properties) {
            let _ = self.signals.send(Signal { event_type: message.routing_key.to_string(), subject });
        }
    }
}

async fn consume(connection: &BrokerConnection, options: &Options) -> Result<Consumer, Refusal> {
    let channel = connection.channel().await?;
    let mut arguments = FieldTable::default();
    arguments.insert(short("x-max-length")?, AMQPValue::LongLongInt(MAX_LENGTH));
    let exclusive = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = in_time(channel.queue_declare(short("")?, exclusive, arguments)).await?;
    let signals = options.signal_types.iter().map(|signal_type| {
        let key = if signal_type.ends_with('.') { format!("{signal_type}#") } else { (*signal_type).to_owned() };
        (options.names.events(), key)
    });
    for (exchange, key) in signals.chain([(options.names.announcements(), "#".to_owned())]) {
        let name = queue.name().clone();
        let bind = QueueBindOptions::default();
        in_time(channel.queue_bind(name, short(exchange)?, short(key)?, bind, FieldTable::default())).await?;
    }
    let consume = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
    in_time(channel.basic_consume(queue.name().clone(), short("")?, consume, FieldTable::default())).await
}
