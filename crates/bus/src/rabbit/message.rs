//! The messages of the broker: their properties and headers, written and read.

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use souk_events::Envelope;
use souk_values::Timestamp;

use super::{
    replies::{Refusal, short},
    topology::{Names, retry_levels},
};
use crate::{Announcement, BusError};

/// Header with the number of failed attempts of a message.
const ATTEMPTS: &str = "souk-attempts";
/// Header with the id of the aggregate, so that a signal does not require parsing the body.
const SUBJECT: &str = "souk-subject";
/// Header of a dead letter with the error message of the last attempt.
const ERROR: &str = "souk-error";
/// Header of a dead letter with the time of its death in milliseconds since 1970.
const DIED_AT: &str = "souk-died-at";
/// Maximum length of the error header in characters: AMQP does not split headers into several frames.
const MAX_ERROR_LENGTH: usize = 2_000;
/// Media type of an envelope.
const CLOUD_EVENT: &str = "application/cloudevents+json";
/// Media type of an announcement.
const JSON: &str = "application/json";
/// Routing key of announcements, for which Spring Cloud Bus uses the name of their exchange.
const ANNOUNCEMENT: &str = "springCloudBus";
/// AMQP's delivery mode of messages that are stored on disk.
const PERSISTENT: u8 = 2;

/// A message to be published.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub exchange: String,
    pub key: String,
    /// Message id, which identifies it when it is returned, and in logs.
    pub id: String,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
    /// True if the broker must return it when no queue is bound.
    pub is_mandatory: bool,
}

/// The circumstances of a message's death, which its dead letter keeps in headers.
pub(super) struct Death<'a> {
    /// Name of the queue without prefix.
    pub queue: &'a str,
    pub attempts: u32,
    pub error: &'a str,
    pub at: Timestamp,
}

impl Outgoing {
    /// Returns an event to all queues bound to its type.
    pub(super) fn event(names: &Names, envelope: &Envelope) -> Result<Self, BusError> {
        Self::of_envelope(names.events(), envelope.event_type.clone(), envelope, 0)
    }

    /// Returns an event to `queue` alone, delayed by the shortest retry level of at least `delay_ms`, or else by the longest.
    pub(super) fn delayed(
        names: &Names,
        queue: &str,
        envelope: &Envelope,
        attempts: u32,
        delay_ms: u128,
    ) -> Result<Self, BusError> {
        let is_enough = |ms: &i64| u128::try_from(*ms).is_ok_and(|ms| ms >= delay_ms);
        let ms = retry_levels().find(is_enough).or_else(|| retry_levels().last()).unwrap_or_default();
        Self::of_envelope(names.retry(ms), names.queue(queue), envelope, attempts)
    }

    /// Returns an event as a dead letter.
    pub(super) fn dead(names: &Names, envelope: &Envelope, death: &Death<'_>) -> Result<Self, BusError> {
        let letter = Self::of_envelope(names.dead(), names.queue(death.queue), envelope, death.attempts)?;
        Ok(letter.with_death(death)?)
    }

    /// Returns a message that is no event as a dead letter with its original body.
    pub(super) fn unreadable(names: &Names, id: String, body: Vec<u8>, death: &Death<'_>) -> Result<Self, BusError> {
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(short(&*id)?)
            .with_headers(headers(death.attempts)?);
        let exchange = names.dead();
        let key = names.queue(death.queue);
        let letter = Self { exchange, key, id, properties, body, is_mandatory: true };
        Ok(letter.with_death(death)?)
    }

    /// Returns a dead letter as a new message to `queue`.
    pub(super) fn replayed(names: &Names, queue: &str, id: String, body: Vec<u8>) -> Result<Self, BusError> {
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(&body) {
            return Self::of_envelope(String::new(), names.queue(queue), &envelope, 0);
        }
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(short(&*id)?);
        Ok(Self { exchange: String::new(), key: names.queue(queue), id, properties, body, is_mandatory: true })
    }

    fn of_envelope(exchange: String, key: String, envelope: &Envelope, attempts: u32) -> Result<Self, BusError> {
        let id = envelope.id.to_string();
        let mut headers = headers(attempts)?;
        // Only a foreign event can have a subject or type above 255 bytes. Without the header it can still be settled.
        if let Ok(subject) = short(&*envelope.subject) {
            headers.insert(short(SUBJECT)?, AMQPValue::LongString(String::from(subject).into()));
        }
        let mut properties = BasicProperties::default()
            .with_content_type(short(CLOUD_EVENT)?)
            .with_delivery_mode(PERSISTENT)
            .with_message_id(short(&*id)?)
            .with_headers(headers);
        if let Ok(event_type) = short(&*envelope.event_type) {
            properties = properties.with_type(event_type);
        }
        Ok(Self { exchange, key, id, properties, body: serde_json::to_vec(envelope)?, is_mandatory: true })
    }

    /// Returns an announcement to all connected processes, which is not stored.
    pub(super) fn announcement(names: &Names, announcement: &Announcement) -> Result<Self, BusError> {
        let properties = BasicProperties::default().with_content_type(short(JSON)?);
        Ok(Self {
            exchange: names.announcements(),
            key: ANNOUNCEMENT.to_owned(),
            id: String::new(),
            properties,
            body: serde_json::to_vec(&*announcement.0)?,
            is_mandatory: false,
        })
    }

    fn with_death(mut self, death: &Death<'_>) -> Result<Self, Refusal> {
        let error: String = death.error.chars().take(MAX_ERROR_LENGTH).collect();
        let mut headers = self.properties.headers().clone().unwrap_or_default();
        headers.insert(short(ERROR)?, AMQPValue::LongString(error.into()));
        headers.insert(short(DIED_AT)?, AMQPValue::LongLongInt(death.at.millis()));
        self.properties = self.properties.with_headers(headers);
        Ok(self)
    }
}

fn headers(attempts: u32) -> Result<FieldTable, Refusal> {
    let mut headers = FieldTable::default();
    headers.insert(short(ATTEMPTS)?, AMQPValue::LongLongInt(i64::from(attempts)));
    Ok(headers)
}

/// Returns the number of failed attempts of a message.
pub(super) fn attempts(properties: &BasicProperties) -> u32 {
    let attempts = header(properties, ATTEMPTS).and_then(number);
    attempts.map_or(0, |attempts| u32::try_from(attempts).unwrap_or(0))
}

/// Returns the id of the aggregate.
pub(super) fn subject(properties: &BasicProperties) -> Option<String> {
    header(properties, SUBJECT).and_then(text)
}

/// Returns the attempts, the error and the time of a dead letter. For one that the broker itself dead-lettered, they come
/// from its `x-death` header.
pub(super) fn death(properties: &BasicProperties) -> (u32, String, Timestamp) {
    let attempts = attempts(properties);
    if let Some(error) = header(properties, ERROR).and_then(text) {
        let at = header(properties, DIED_AT).and_then(number).unwrap_or_default();
        return (attempts, error, Timestamp::from_millis(at));
    }
    let latest = match header(properties, "x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice().first(),
        _ => None,
    };
    let Some(AMQPValue::FieldTable(latest)) = latest else {
        return (attempts, "the reason for this dead letter is unknown".to_owned(), Timestamp::from_millis(0));
    };
    let reason = latest.inner().get("reason").and_then(text).unwrap_or_default();
    let seconds = latest.inner().get("time").and_then(number).unwrap_or_default();
    let error = match reason.as_str() {
        "delivery_limit" => {
            "the broker delivered it too often without an answer: it may crash its consumer, or the consumer lost its \
             connection each time"
                .to_owned()
        }
        reason => format!("the broker dead-lettered it: {reason}"),
    };
    (attempts, error, Timestamp::from_millis(seconds.saturating_mul(1_000)))
}

fn header<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref()?.inner().get(name)
}

fn number(value: &AMQPValue) -> Option<i64> {
    match value {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::LongInt(number) => Some(i64::from(*number)),
        AMQPValue::LongUInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortUInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortShortInt(number) => Some(i64::from(*number)),
        AMQPValue::ShortShortUInt(number) => Some(i64::from(*number)),
        AMQPValue::Timestamp(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}
