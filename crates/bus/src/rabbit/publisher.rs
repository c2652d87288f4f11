//! Publishes with confirms: everything is sent, then every confirm is awaited, within a time limit.

use std::{
    collections::HashSet,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::poll;
use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use std::task::Poll;
use tokio::{sync::Notify, time::Instant};

use super::{
    answers::{ANSWER, NOT_FOUND, Refusal, in_time, short},
    link::Link,
    message::Outgoing,
};
use crate::BusError;

/// Channels kept for the next batch.
const KEPT: usize = 4;

type Confirming<'a> = Pin<Box<dyn Future<Output = Result<Confirmation, Refusal>> + Send + 'a>>;

/// Publishes on one connection.
pub(super) struct Publisher {
    link: Arc<Link>,
    /// Each batch has a channel to itself: the client tells of a returned message with whichever confirm
    /// of its channel comes next.
    free: Mutex<Vec<Channel>>,
    /// Told when an exchange or a queue was not there.
    incomplete: Arc<Notify>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher").field("link", &self.link).finish_non_exhaustive()
    }
}

/// What became of a batch.
struct Sent {
    /// For each message whether the broker has it on disk in every queue it belongs to.
    confirmed: Vec<bool>,
    /// Why the last of the others were not confirmed.
    refusal: Option<Refusal>,
    /// Whether nothing of the batch is under way any more.
    is_over: bool,
}

impl Publisher {
    pub(super) fn new(link: Arc<Link>, incomplete: Arc<Notify>) -> Self {
        Self { link, free: Mutex::default(), incomplete }
    }

    /// Publishes `messages` in order; answers for each whether the broker took charge of it. Errors: it took
    /// charge of none, and not because they could not be routed.
    pub(super) async fn publish(&self, messages: &[Outgoing]) -> Result<Vec<bool>, BusError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(reason) = self.link.blocked() {
            return Err(blocked(&reason));
        }
        let channel = self.take().await?;
        let Sent { confirmed, refusal, is_over } = self.send(&channel, messages).await;
        if !is_over {
            self.retire(channel);
        } else if channel.status().connected() {
            self.keep(channel);
        }
        match refusal {
            Some(refusal) if !confirmed.contains(&true) => Err(refusal.into()),
            Some(refusal) => {
                tracing::warn!(error = refusal.text, "the broker took charge of a part of a batch");
                Ok(confirmed)
            }
            None => Ok(confirmed),
        }
    }

    async fn send(&self, channel: &Channel, messages: &[Outgoing]) -> Sent {
        let deadline = Instant::now() + ANSWER;
        let mut asked: Vec<Asked<'_>> = Vec::with_capacity(messages.len());
        for message in messages {
            let mut confirming: Confirming<'_> = Box::pin(publish_one(channel, message));
            // Hands the message to the client, so that the order is kept; the confirm comes later.
            asked.push(match poll!(confirming.as_mut()) {
                Poll::Ready(answer) => Asked::Answered(Box::new(answer)),
                Poll::Pending => Asked::Waiting(confirming),
            });
        }
        let mut answers = Answers::default();
        let mut acknowledged = Vec::with_capacity(messages.len());
        let mut interrupted = None;
        for (asked, message) in asked.into_iter().zip(messages) {
            let was_sent = matches!(&asked, Asked::Waiting(_));
            let answer = match (asked, &interrupted) {
                (Asked::Answered(answer), _) => *answer,
                // Only what is there already: the others' confirms may have come meanwhile.
                (Asked::Waiting(mut confirming), Some(why)) => match poll!(confirming.as_mut()) {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => Err(Refusal::clone(why)),
                },
                (Asked::Waiting(confirming), None) => tokio::select! {
                    answer = confirming => answer,
                    why = self.interruption(deadline) => {
                        interrupted = Some(why.clone());
                        Err(why)
                    }
                },
            };
            answers.broke_off |= was_sent && answer.is_err();
            acknowledged.push(answers.note(message, answer));
        }
        if answers.something_is_missing {
            self.incomplete.notify_one();
        }
        let confirmed = messages.iter().zip(acknowledged).map(|(message, is)| is && answers.confirm(message)).collect();
        Sent { confirmed, refusal: answers.refusal, is_over: interrupted.is_none() }
    }

    /// Ends when it is no use to wait on; answers why.
    async fn interruption(&self, deadline: Instant) -> Refusal {
        let text = tokio::select! {
            () = tokio::time::sleep_until(deadline) => format!("no confirm came within {} s", ANSWER.as_secs()),
            reason = self.link.until_blocked() => blocked_text(&reason),
        };
        Refusal { code: 0, text }
    }

    async fn take(&self) -> Result<Channel, BusError> {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(channel) = kept.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        let channel = self.link.channel().await?;
        in_time(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    fn keep(&self, channel: Channel) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(channel);
        }
    }

    /// Closes a channel with messages under way, but not before they have left: a message that leaves after
    /// its channel's end would end the whole connection.
    fn retire(&self, channel: Channel) {
        let link = Arc::clone(&self.link);
        tokio::spawn(async move {
            // A link that is lost is never unblocked, and its channels are gone with it.
            tokio::select! {
                () = link.until_unblocked() => {}
                _ = link.lost() => return,
            }
            tokio::time::sleep(ANSWER).await;
            drop(channel);
        });
    }
}

enum Asked<'a> {
    Answered(Box<Result<Confirmation, Refusal>>),
    Waiting(Confirming<'a>),
}

async fn publish_one(channel: &Channel, message: &Outgoing) -> Result<Confirmation, Refusal> {
    let mandatory = BasicPublishOptions { mandatory: message.is_mandatory, ..BasicPublishOptions::default() };
    let (exchange, key) = (short(&*message.exchange)?, short(&*message.key)?);
    let sent = channel.basic_publish(exchange, key, mandatory, &message.body, message.properties.clone());
    let confirm = sent.await.map_err(|error| Refusal::from(&error))?;
    confirm.await.map_err(|error| Refusal::from(&error))
}

/// What the broker said of a batch.
#[derive(Default)]
struct Answers {
    /// Messages that fit nowhere, by their ids.
    returned: HashSet<String>,
    refusal: Option<Refusal>,
    /// Some message left without an answer.
    broke_off: bool,
    something_is_missing: bool,
}

impl Answers {
    /// Notes an answer; says whether it acknowledges the message.
    fn note(&mut self, message: &Outgoing, answer: Result<Confirmation, Refusal>) -> bool {
        let Outgoing { exchange, key, id, .. } = message;
        let confirmation = match answer {
            Ok(confirmation) => confirmation,
            Err(refusal) => {
                self.something_is_missing |= refusal.code == NOT_FOUND;
                self.refusal = Some(refusal);
                return false;
            }
        };
        let is_acknowledged = confirmation.is_ack();
        if !is_acknowledged {
            tracing::warn!(event.id = id, exchange, key, "the broker refused a message");
        }
        // Whose it is, the message itself says.
        if let Some(returned) = confirmation.take_message() {
            let id = returned.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
            let (exchange, key) = (returned.exchange.as_str(), returned.routing_key.as_str());
            let reason = returned.reply_text.as_str();
            tracing::warn!(event.id = id, exchange, key, reason, "the broker returned a message: no queue takes it");
            self.returned.insert(id);
            self.something_is_missing = true;
        }
        is_acknowledged
    }

    /// Whether a message that was acknowledged was taken charge of, too. Where a batch broke off, some
    /// return may not have been told yet; then no message of it counts.
    fn confirm(&self, message: &Outgoing) -> bool {
        let all_is_told = !self.broke_off || self.returned.is_empty();
        all_is_told && !self.returned.contains(&message.id)
    }
}

fn blocked_text(reason: &str) -> String {
    format!("it takes no messages for now: {reason}")
}

/// The broker protects itself.
pub(super) fn blocked(reason: &str) -> BusError {
    BusError::Unavailable(blocked_text(reason))
}
