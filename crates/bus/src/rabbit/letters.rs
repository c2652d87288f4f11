//! The broker's dead letters: looked at one operator at a time, on a connection of one's own.
//!
//! A queue can only be looked into by taking its messages out. Whoever does holds an exclusive queue as a
//! lock; so nobody finds a queue empty because another holds its letters. When the connection ends, however
//! it ends, the broker takes back the letters and the lock.

use std::{collections::HashSet, sync::Arc, time::Duration};

use lapin::{
    Channel,
    message::BasicGetMessage,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions},
    types::FieldTable,
};
use souk_events::{Envelope, QUEUES};
use tokio::{sync::Notify, time::Instant};

use super::{
    answers::{ANSWER, LOCKED, NOT_FOUND, in_time, short},
    link::Link,
    message::{self, Outgoing},
    publisher::Publisher,
    session::Role,
};
use crate::{
    BusError, DeadLetter, DeadLetterId,
    dead_letters::{letter_id, letter_id_of_body},
};

/// Of one queue, at most so many letters are looked at.
const MOST: usize = 10_000;
/// The pace of trying for the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// The dead letters of `service`'s queues, or of all; newest first.
pub(super) async fn list(role: Role, service: Option<String>) -> Result<Vec<DeadLetter>, BusError> {
    undisturbed(async move {
        let mut taken = Taken::open(role).await?;
        taken.take(service.as_deref()).await?;
        let mut letters: Vec<DeadLetter> = taken.letters.drain(..).map(|held| held.letter).collect();
        taken.give_back().await;
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.died_at));
        // Dead twice, because it was handed out twice: the same letter, as it was told last.
        let mut seen = HashSet::new();
        letters.retain(|letter| seen.insert(letter.dead_letter_id.0));
        Ok(letters)
    })
    .await
}

/// Publishes a letter into its queue anew, and takes it away once the broker has it there.
pub(super) async fn replay(role: Role, id: DeadLetterId) -> Result<(), BusError> {
    undisturbed(async move {
        let mut taken = Taken::open(role).await?;
        let replayed = taken.replay(id).await;
        taken.give_back().await;
        replayed
    })
    .await
}

/// Takes a letter away.
pub(super) async fn discard(role: Role, id: DeadLetterId) -> Result<(), BusError> {
    undisturbed(async move {
        let mut taken = Taken::open(role).await?;
        let discarded = taken.discard(id).await;
        taken.give_back().await;
        discarded
    })
    .await
}

/// On a task of its own, so that a caller who goes away does not leave letters taken.
async fn undisturbed<T: Send + 'static>(
    work: impl Future<Output = Result<T, BusError>> + Send + 'static,
) -> Result<T, BusError> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(BusError::Unavailable(format!("the work was ended: {error}"))),
    }
}

/// A letter in hand.
struct Held {
    letter: DeadLetter,
    body: Vec<u8>,
    tag: u64,
}

/// The letters in hand, under the lock.
struct Taken {
    link: Arc<Link>,
    channel: Channel,
    role: Role,
    letters: Vec<Held>,
}

impl Taken {
    async fn open(role: Role) -> Result<Self, BusError> {
        let link = Arc::new(Link::open(&role.address, "souk dead letters").await?);
        lock(&link, &role.names.letters_lock()).await?;
        let channel = link.channel().await?;
        Ok(Self { link, channel, role, letters: Vec::new() })
    }

    async fn take(&mut self, service: Option<&str>) -> Result<(), BusError> {
        for queue in QUEUES.iter().filter(|queue| service.is_none_or(|service| queue.service() == service)) {
            let name = self.role.names.letters(queue.name);
            for _ in 0..MOST {
                match in_time(self.channel.basic_get(short(&*name)?, BasicGetOptions::default())).await {
                    Ok(Some(message)) => self.letters.push(held(queue.name, message)),
                    Ok(None) => break,
                    // No service of this shop has run yet.
                    Err(refusal) if refusal.code == NOT_FOUND => {
                        return Err(BusError::Unavailable(format!("there is no queue {name} on the broker")));
                    }
                    Err(refusal) => return Err(refusal.into()),
                }
            }
        }
        Ok(())
    }

    /// All copies of one letter.
    async fn find(&mut self, id: DeadLetterId) -> Result<Vec<Held>, BusError> {
        self.take(None).await?;
        let found: Vec<Held> = self.letters.extract_if(.., |held| held.letter.dead_letter_id == id).collect();
        if found.is_empty() { Err(BusError::NoSuchDeadLetter(id.to_string())) } else { Ok(found) }
    }

    async fn replay(&mut self, id: DeadLetterId) -> Result<(), BusError> {
        let mut found = self.find(id).await?;
        let publisher = Publisher::new(Arc::clone(&self.link), Arc::new(Notify::new()));
        let Some(Held { letter, body, .. }) = found.first_mut() else { return Ok(()) };
        let anew = Outgoing::anew(&self.role.names, &letter.queue, id.to_string(), std::mem::take(body))?;
        if publisher.publish(&[anew]).await? != [true] {
            return Err(BusError::Unavailable(format!("it took no charge of the message for {}", letter.queue)));
        }
        self.drop_all(found).await
    }

    async fn discard(&mut self, id: DeadLetterId) -> Result<(), BusError> {
        let found = self.find(id).await?;
        self.drop_all(found).await
    }

    async fn drop_all(&self, letters: Vec<Held>) -> Result<(), BusError> {
        for Held { tag, .. } in letters {
            in_time(self.channel.basic_ack(tag, BasicAckOptions::default())).await?;
        }
        Ok(())
    }

    /// Gives back what is still in hand, and only then the lock. Whatever fails, the end of the
    /// connection does both.
    async fn give_back(self) {
        let all = BasicNackOptions { multiple: true, requeue: true };
        let given = async {
            in_time(self.channel.basic_nack(0, all)).await?;
            in_time(self.channel.close(200, short("OK")?)).await
        };
        if let Err(refusal) = given.await {
            tracing::debug!(error = refusal.text, "dead letters are given back by the end of the connection");
        }
        self.link.end().await;
    }
}

/// Holds the lock on `link` until it ends. Errors: another operator keeps it.
async fn lock(link: &Link, name: &str) -> Result<(), BusError> {
    let deadline = Instant::now() + ANSWER;
    loop {
        let channel = link.channel().await?;
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        match in_time(channel.queue_declare(short(name)?, exclusive, FieldTable::default())).await {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.code == LOCKED && Instant::now() < deadline => {}
            Err(refusal) if refusal.code == LOCKED => {
                return Err(BusError::Unavailable(
                    "somebody else is looking at the dead letters; try again".to_owned(),
                ));
            }
            Err(refusal) => return Err(refusal.into()),
        }
        // Real time on purpose: the pace of trying.
        tokio::time::sleep(PAUSE).await;
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
