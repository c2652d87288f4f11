//! Dead letters on the broker, for one operator at a time, on a separate connection.
//!
//! AMQP can read a queue only by consuming it. While an operator holds its messages, the queue looks empty to others, so an
//! exclusive queue serves as a lock. When the connection ends for any reason, the broker requeues the messages and releases
//! the lock.

use std::{collections::HashSet, sync::Arc, time::Duration};

use lapin::{
    Channel,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions},
    types::FieldTable,
};
use souk_events::{Envelope, dead_letter_names};
use souk_values::{Page, PageRequest};
use tokio::{sync::Notify, time::Instant};

use super::{
    connection::BrokerConnection,
    message::{self, Outgoing},
    options::Options,
    publisher::Publisher,
    replies::{NOT_FOUND, REPLY_TIMEOUT, RESOURCE_LOCKED, in_time, short},
};
use crate::{
    BusError, DeadLetter, DeadLetterId,
    dead_letters::{is_outbox, letter_id, letter_id_of_body},
    newest::Newest,
};

/// Maximum number of letters to read per queue.
const MAX_PER_QUEUE: usize = 10_000;
/// Pause between attempts to take the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Returns the dead letters of the queues of `service`, or of all queues, newest first.
pub(super) async fn list(options: Options, service: Option<String>) -> Result<Vec<DeadLetter>, BusError> {
    uncancelled(async move {
        let mut letters = Vec::new();
        each(options, service.as_deref(), |letter| letters.push(letter)).await?;
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.died_at));
        // A message that was delivered twice may have died twice: one letter, with the latest error.
        let mut seen = HashSet::new();
        letters.retain(|letter| seen.insert(letter.dead_letter_id.0));
        Ok(letters)
    })
    .await
}

/// Returns a page of them. Holds no more letters than its end.
pub(super) async fn page(
    options: Options,
    service: Option<String>,
    request: PageRequest,
) -> Result<Page<DeadLetter>, BusError> {
    uncancelled(async move {
        let mut newest = Newest::new(request);
        each(options, service.as_deref(), |letter| newest.add(letter)).await?;
        Ok(newest.page())
    })
    .await
}

/// Returns the letter `id`, with its latest error.
pub(super) async fn show(options: Options, id: DeadLetterId) -> Result<Option<DeadLetter>, BusError> {
    uncancelled(async move {
        let mut newest = Newest::new(PageRequest::numbered(0, 1));
        each(options, None, |letter| {
            if letter.dead_letter_id == id {
                newest.add(letter);
            }
        })
        .await?;
        Ok(newest.page().items.pop())
    })
    .await
}

/// Passes each letter to `found`, and requeues it.
async fn each(options: Options, service: Option<&str>, mut found: impl FnMut(DeadLetter)) -> Result<(), BusError> {
    let reader = Reader::open(options).await?;
    reader.read(service, |held| found(held.letter)).await?;
    reader.close().await;
    Ok(())
}

/// Publishes a letter to its queue again, and deletes it once that is confirmed.
pub(super) async fn replay(options: Options, id: DeadLetterId) -> Result<(), BusError> {
    uncancelled(async move {
        let reader = Reader::open(options).await?;
        let replayed = reader.replay(id).await;
        reader.close().await;
        replayed
    })
    .await
}

/// Deletes a letter.
pub(super) async fn discard(options: Options, id: DeadLetterId) -> Result<(), BusError> {
    uncancelled(async move {
        let reader = Reader::open(options).await?;
        let discarded = reader.discard(id).await;
        reader.close().await;
        discarded
    })
    .await
}

/// Runs `work` on a task of its own, so that a caller that drops its future does not leave letters unacknowledged.
async fn uncancelled<T: Send + 'static>(
    work: impl Future<Output = Result<T, BusError>> + Send + 'static,
) -> Result<T, BusError> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(BusError::Unavailable(format!("the task failed: {error}"))),
    }
}

/// A consumed, unacknowledged letter.
struct Held {
    letter: DeadLetter,
    body: Vec<u8>,
    tag: u64,
}

/// Consumes letters under the lock.
struct Reader {
    connection: Arc<BrokerConnection>,
    channel: Channel,
    options: Options,
}

impl Reader {
    async fn open(options: Options) -> Result<Self, BusError> {
        let connection = Arc::new(BrokerConnection::open(&options.address, "souk dead letters").await?);
        lock(&connection, &options.names.letters_lock()).await?;
        let channel = connection.channel().await?;
        Ok(Self { connection, channel, options })
    }

    /// Consumes the letters, and passes each to `found`.
    async fn read(&self, service: Option<&str>, mut found: impl FnMut(Held)) -> Result<(), BusError> {
        let is_of_service = |name: &&str| service.is_none_or(|service| name.split('.').next() == Some(service));
        for queue in dead_letter_names().filter(is_of_service) {
            let name = self.options.names.letters(queue);
            for _ in 0..MAX_PER_QUEUE {
                match in_time(self.channel.basic_get(short(&*name)?, BasicGetOptions::default())).await {
                    Ok(Some(message)) => found(held(queue, message)),
                    Ok(None) => break,
                    // The services declare the queues, so none has run on this broker yet.
                    Err(refusal) if refusal.code == NOT_FOUND => {
                        return Err(BusError::Unavailable(format!("there is no queue {name} on the broker")));
                    }
                    Err(refusal) => return Err(refusal.into()),
                }
            }
        }
        Ok(())
    }

    /// Returns all copies of the letter `id`. Errors: it does not exist.
    async fn find(&self, id: DeadLetterId) -> Result<Vec<Held>, BusError> {
        let mut found = Vec::new();
        self.read(None, |held| {
            if held.letter.dead_letter_id == id {
                found.push(held);
            }
        })
        .await?;
        if found.is_empty() { Err(BusError::NoSuchDeadLetter(id.to_string())) } else { Ok(found) }
    }

    async fn replay(&self, id: DeadLetterId) -> Result<(), BusError> {
        let mut found = self.find(id).await?;
        let publisher = Publisher::new(Arc::clone(&self.connection), Arc::new(Notify::new()));
        let Some(Held { letter, body, .. }) = found.first_mut() else { return Ok(()) };
        let names = &self.options.names;
        let message = match &letter.envelope {
            Some(envelope) if is_outbox(&letter.queue) => Outgoing::event(names, envelope)?,
            None if is_outbox(&letter.queue) => return Err(BusError::StillUnreadable(id.to_string())),
            _ => Outgoing::replayed(names, &letter.queue, id.to_string(), std::mem::take(body))?,
        };
        if publisher.publish(&[message]).await? != [true] {
            return Err(BusError::Unavailable(format!("it did not confirm the message to {}", letter.queue)));
        }
        self.delete(found).await
    }

    async fn discard(&self, id: DeadLetterId) -> Result<(), BusError> {
        let found = self.find(id).await?;
        self.delete(found).await
    }

    async fn delete(&self, letters: Vec<Held>) -> Result<(), BusError> {
        for Held { tag, .. } in letters {
            in_time(self.channel.basic_ack(tag, BasicAckOptions::default())).await?;
        }
        Ok(())
    }

    /// Requeues the letters that are left, and releases the lock after that. If it fails, the end of the connection does
    /// both.
    async fn close(self) {
        let all = BasicNackOptions { multiple: true, requeue: true };
        let requeued = async {
            in_time(self.channel.basic_nack(0, all)).await?;
            in_time(self.channel.close(200, short("OK")?)).await
        };
        if let Err(refusal) = requeued.await {
            tracing::debug!(error = refusal.text, "dead letters are requeued by the end of the connection");
        }
        self.connection.end().await;
    }
}

/// Takes the lock, which `connection` holds until it ends. Errors: another operator holds it.
async fn lock(connection: &BrokerConnection, name: &str) -> Result<(), BusError> {
    let deadline = Instant::now() + REPLY_TIMEOUT;
    loop {
        let channel = connection.channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        match in_time(channel.queue_declare(short(name)?, exclusive, FieldTable::default())).await {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.code == RESOURCE_LOCKED && Instant::now() < deadline => {}
            Err(refusal) if refusal.code == RESOURCE_LOCKED => {
                return Err(BusError::Unavailable(
                    "another operator is reading the dead letters; try again later".to_owned(),
                ));
            }
            Err(refusal) => return Err(refusal.into()),
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

fn held(queue: &str, message: BasicGetMessage) -> Held {
    let message = message.delivery;
    let envelope: Option<Envelope> = serde_json::from_slice(&message.data).ok();
    let (attempts, error, died_at) = message::death(&message.properties);
    let id = envelope
        .as_ref()
        .map_or_else(|| letter_id_of_body(queue, &message.data), |envelope| letter_id(queue, envelope.id));
    let raw = envelope.is_none().then(|| String::from_utf8_lossy(&message.data).into_owned());
    let letter = DeadLetter { dead_letter_id: id, queue: queue.to_owned(), attempts, error, died_at, envelope, raw };
    Held { letter, body: message.data, tag: message.delivery_tag }
}
