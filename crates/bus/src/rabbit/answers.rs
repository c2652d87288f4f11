//! What the broker answers, and that it answers in time.

use std::{future::Future, time::Duration};

use lapin::{ErrorKind, types::ShortString};

use crate::BusError;

/// How long the broker may take for any answer: the network's time, not the business's.
pub(super) const ANSWER: Duration = Duration::from_secs(10);

/// The broker says: there is no such exchange or queue.
pub(super) const NOT_FOUND: u16 = 404;
/// The broker says: another connection holds it for itself.
pub(super) const LOCKED: u16 = 405;
/// The broker says: it is there, but not like that.
pub(super) const DIFFERENT: u16 = 406;

/// Waits for an answer, but not for ever.
pub(super) async fn in_time<T>(asking: impl Future<Output = lapin::Result<T>>) -> Result<T, Refusal> {
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(answer) => answer.map_err(|error| Refusal::from(&error)),
        Err(_) => Err(Refusal { code: 0, text: format!("it gave no answer within {} s", ANSWER.as_secs()) }),
    }
}

/// Why the broker did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// AMQP's code; 0 where the broker did not say one.
    pub code: u16,
    /// In the broker's or the client's words.
    pub text: String,
}

impl From<&lapin::Error> for Refusal {
    fn from(error: &lapin::Error) -> Self {
        match error.kind() {
            ErrorKind::ProtocolError(error) => Self { code: error.get_id(), text: error.get_message().to_string() },
            _ => Self { code: 0, text: error.to_string() },
        }
    }
}

impl From<Refusal> for BusError {
    fn from(refusal: Refusal) -> Self {
        Self::Unavailable(refusal.text)
    }
}

/// A name as AMQP takes it. Errors: it is longer than 255 bytes.
pub(super) fn short(name: impl Into<String>) -> Result<ShortString, Refusal> {
    ShortString::try_new(name).map_err(|error| Refusal { code: 0, text: error.to_string() })
}
