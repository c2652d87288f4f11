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
    /// The event, as a CloudEvents envelope.
    #[schema(value_type = Object)]
    pub envelope: Envelope,
}
