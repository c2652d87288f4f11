//! Messages that failed by their own fault, kept with the reason until a person decides.

use std::str::FromStr;

use serde::Serialize;
use souk_events::Envelope;
use souk_values::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::BusError;

/// Which dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
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

/// A message that its consumer could not digest.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Which.
    pub dead_letter_id: DeadLetterId,
    /// The queue it was taken from.
    pub queue: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed last.
    pub error: String,
    /// When it was put aside.
    pub died_at: Timestamp,
    /// The event, as a CloudEvents envelope, if the message can be read as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub envelope: Option<Envelope>,
    /// The message as it came, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl DeadLetter {
    /// The event's type, or what to call a message that is no event.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.envelope.as_ref().map_or("(no event)", |envelope| &envelope.event_type)
    }
}

/// One letter per queue and event: the event's id with the queue's name folded in.
pub(crate) fn letter_id(queue: &str, event: Uuid) -> DeadLetterId {
    let fold = |id: u128, byte: u8| id.rotate_left(5) ^ u128::from(byte);
    DeadLetterId(Uuid::from_u128(event.as_u128() ^ queue.bytes().fold(0, fold)))
}

/// The same for a message that is no event: a hash of its body (FNV-1a).
pub(crate) fn letter_id_of_body(queue: &str, body: &[u8]) -> DeadLetterId {
    let hash = body.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
    });
    letter_id(queue, Uuid::from_u128(hash))
}
