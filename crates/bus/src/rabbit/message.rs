//! Events as messages of the broker: properties, headers, and how they are read back.

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use souk_events::Envelope;
use souk_values::Timestamp;

use super::{
    answers::{Refusal, short},
    topology::{Names, retry_levels},
};
use crate::{Announcement, BusError};

/// How often a message was handled and failed by its own fault.
const ATTEMPTS: &str = "souk-attempts";
/// The aggregate's id, so that a wake need not be opened.
const SUBJECT: &str = "souk-subject";
/// Why a dead letter failed last.
const ERROR: &str = "souk-error";
/// When a dead letter was put aside, in milliseconds since 1970.
const DIED_AT: &str = "souk-died-at";
/// Of an error, so much is kept: headers must fit into one frame.
const ERROR_LENGTH: usize = 2_000;
/// The media type of an envelope.
const CLOUD_EVENT: &str = "application/cloudevents+json";
/// The media type of an announcement.
const JSON: &str = "application/json";
/// The routing key of announcements: Spring's is the name of their exchange.
const ANNOUNCEMENT: &str = "springCloudBus";
/// Kept on disk.
const PERSISTENT: u8 = 2;

/// A message that is to be published.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub exchange: String,
    pub key: String,
    /// What names it in confirms, returns and logs.
    pub id: String,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
    /// Whether it must be in a queue.
    pub is_mandatory: bool,
}

/// What a dead letter is kept with.
pub(super) struct Death<'a> {
    /// In the table of queues.
    pub queue: &'a str,
    pub attempts: u32,
    pub error: &'a str,
    pub at: Timestamp,
}

impl Outgoing {
    /// To every queue bound to its type.
    pub(super) fn event(names: &Names, envelope: &Envelope) -> Result<Self, BusError> {
        Self::of_envelope(names.events(), envelope.event_type.clone(), envelope, 0)
    }

    /// Back to `queue` alone, after at least `pause_ms` or, if that is longer than any, the longest pause there is.
    pub(super) fn later(
        names: &Names,
        queue: &str,
        envelope: &Envelope,
        attempts: u32,
        pause_ms: u128,
    ) -> Result<Self, BusError> {
        let is_enough = |ms: &i64| u128::try_from(*ms).is_ok_and(|ms| ms >= pause_ms);
        let ms = retry_levels().find(is_enough).or_else(|| retry_levels().last()).unwrap_or_default();
        Self::of_envelope(names.retry(ms), names.queue(queue), envelope, attempts)
    }

    /// Aside, for a person to look at.
    pub(super) fn dead(names: &Names, envelope: &Envelope, death: &Death<'_>) -> Result<Self, BusError> {
        let letter = Self::of_envelope(names.dead(), names.queue(death.queue), envelope, death.attempts)?;
        Ok(letter.with_death(death)?)
    }

    /// Aside, though it is no event: its body stays as it is.
    pub(super) fn poison(names: &Names, id: String, body: Vec<u8>, death: &Death<'_>) -> Result<Self, BusError> {
        let properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_message_id(short(&*id)?)
            .with_headers(headers(death.attempts)?);
        let (exchange, key) = (names.dead(), names.queue(death.queue));
        let letter = Self { exchange, key, id, properties, body, is_mandatory: true };
        Ok(letter.with_death(death)?)
    }

    /// Into `queue` again as if for the first time.
    pub(super) fn anew(names: &Names, queue: &str, id: String, body: Vec<u8>) -> Result<Self, BusError> {
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(&body) {
            return Self::of_envelope(String::new(), names.queue(queue), &envelope, 0);
        }
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_message_id(short(&*id)?);
        Ok(Self { exchange: String::new(), key: names.queue(queue), id, properties, body, is_mandatory: true })
    }

    fn of_envelope(exchange: String, key: String, envelope: &Envelope, attempts: u32) -> Result<Self, BusError> {
        let id = envelope.id.to_string();
        let mut headers = headers(attempts)?;
        // Names of ours are short. A stranger's event may be settled though its names are not.
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

    /// To whoever listens now.
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
        let error: String = death.error.chars().take(ERROR_LENGTH).collect();
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

/// How often a message was handled before and failed by its own fault.
pub(super) fn attempts(properties: &BasicProperties) -> u32 {
    let attempts = header(properties, ATTEMPTS).and_then(number);
    attempts.map_or(0, |attempts| u32::try_from(attempts).unwrap_or(0))
}

/// The aggregate's id.
pub(super) fn subject(properties: &BasicProperties) -> Option<String> {
    header(properties, SUBJECT).and_then(text)
}

/// Why and when a dead letter died, and after how many attempts; of one that the broker put aside itself,
/// from what the broker noted.
pub(super) fn death(properties: &BasicProperties) -> (u32, String, Timestamp) {
    let attempts = attempts(properties);
    if let Some(error) = header(properties, ERROR).and_then(text) {
        let at = header(properties, DIED_AT).and_then(number).unwrap_or_default();
        return (attempts, error, Timestamp::from_millis(at));
    }
    let noted = match header(properties, "x-death") {
        Some(AMQPValue::FieldArray(deaths)) => deaths.as_slice().first(),
        _ => None,
    };
    let Some(AMQPValue::FieldTable(noted)) = noted else {
        return (attempts, "nothing is known of why it was put aside".to_owned(), Timestamp::from_millis(0));
    };
    let reason = noted.inner().get("reason").and_then(text).unwrap_or_default();
    let seconds = noted.inner().get("time").and_then(number).unwrap_or_default();
    let error = match reason.as_str() {
        "delivery_limit" => {
            "the broker handed it out too often without an answer: it may kill its consumer, or the consumer lost \
             its connection each time"
                .to_owned()
        }
        reason => format!("the broker put it aside: {reason}"),
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
