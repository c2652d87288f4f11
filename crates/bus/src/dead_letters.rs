//! Dead letters: messages that failed too often, kept with the error until an operator replays or discards them.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use souk_events::{Envelope, Payload};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::BusError;

/// Id of a dead letter, derived from its queue and event, so that the same message never has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DeadLetterId(pub Uuid);

impl FromStr for DeadLetterId {
    type Err = BusError;

    fn from_str(text: &str) -> Result<Self, BusError> {
        text.parse().map(Self).map_err(|_| BusError::NoSuchDeadLetter(text.to_owned()))
    }
}

impl std::fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A message that its consumer failed to handle too often.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Id for the requests that replay or discard this letter, a UUID.
    pub dead_letter_id: DeadLetterId,
    /// Name of the queue from which the message was consumed, such as `product.orders`.
    pub queue: String,
    /// Number of attempts to handle the message.
    pub attempts: u32,
    /// Error message of the last attempt.
    pub error: String,
    /// Time at which the message became a dead letter.
    pub died_at: Timestamp,
    /// The event as a CloudEvents 1.0 envelope; absent if the message cannot be read as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
    /// Body of the message; present only if it cannot be read as an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// Written in place of a secret.
const REDACTED: &str = "[redacted]";

impl DeadLetter {
    /// Returns the letter for the eyes of people: without tokens, with which its reader could take over an account. A body
    /// that cannot be read as an event may hold one, too; its length is left.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        self.envelope = self.envelope.and_then(|envelope| {
            let mut data = envelope.data.read().ok()?;
            redact(&mut data);
            Some(Envelope { data: Payload::of(&data).ok()?, ..envelope })
        });
        self.raw = self.raw.map(|raw| match serde_json::from_str(&raw) {
            Ok(mut json) => {
                redact(&mut json);
                json.to_string()
            }
            Err(_) if raw.contains("token") => format!("{REDACTED} ({} bytes)", raw.len()),
            Err(_) => raw,
        });
        self
    }

    /// Returns the name of the service whose queue or outbox holds the letter.
    #[must_use]
    pub fn service(&self) -> &str {
        self.queue.split_once('.').map_or(&*self.queue, |(service, _)| service)
    }

    /// Returns the type of the event, or `(no event)` for a message that cannot be read.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.envelope.as_ref().map_or("(no event)", |envelope| &envelope.event_type)
    }
}

/// Replaces the values of all fields named `token`, at any depth.
fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if name.eq_ignore_ascii_case("token") {
                    *field = Value::from(REDACTED);
                } else {
                    redact(field);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                redact(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns the name under which the dead letters of the outbox of `service` are kept.
pub(crate) fn outbox_name(service: &str) -> String {
    format!("{service}.outbox")
}

/// Returns true if `queue` is an outbox: its dead letters were never published.
pub(crate) fn is_outbox(queue: &str) -> bool {
    queue.ends_with(".outbox")
}

/// Returns the id of the letter for an event in a queue: the event's id combined with the name of the queue.
pub(crate) fn letter_id(queue: &str, event: Uuid) -> DeadLetterId {
    let fold = |id: u128, byte: u8| id.rotate_left(5) ^ u128::from(byte);
    DeadLetterId(Uuid::from_u128(event.as_u128() ^ queue.bytes().fold(0, fold)))
}

/// Returns the id of the letter for a message that is no event.
pub(crate) fn letter_id_of_body(queue: &str, body: &[u8]) -> DeadLetterId {
    letter_id(queue, id_of_body(body))
}

/// Returns the id that stands for that of the event in a message that is no event, from the FNV-1a hash of its body.
pub(crate) fn id_of_body(body: &[u8]) -> Uuid {
    let hash = body.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    });
    Uuid::from_u128(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(raw: &str) -> DeadLetter {
        DeadLetter {
            dead_letter_id: letter_id_of_body("notification.users", raw.as_bytes()),
            queue: "notification.users".to_owned(),
            attempts: 1,
            error: "none".to_owned(),
            died_at: Timestamp::EPOCH,
            envelope: None,
            raw: Some(raw.to_owned()),
        }
    }

    #[test]
    fn no_token_of_a_body_is_shown() {
        for (raw, shown) in [
            (r#"{"data":{"token":"s3cret","name":"ada"}}"#, r#"{"data":{"name":"ada","token":"[redacted]"}}"#),
            (r#"[{"Token":["s3cret"]},1]"#, r#"[{"Token":"[redacted]"},1]"#),
            (r#"{"token":"s3cret"#, "[redacted] (16 bytes)"),
            ("what?", "what?"),
        ] {
            assert_eq!(letter(raw).redacted().raw.as_deref(), Some(shown));
        }
    }
}
