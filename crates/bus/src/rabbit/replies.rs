//! Replies of the broker: their time limit, and the codes of those that reject a request.

use std::{future::Future, time::Duration};

use lapin::{ErrorKind, types::ShortString};

use crate::BusError;

/// Time limit of every reply of the broker, in real time.
pub(super) const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// AMQP's reply code for an exchange or queue that does not exist.
pub(super) const NOT_FOUND: u16 = 404;
/// AMQP's reply code for a queue that another connection holds exclusively.
pub(super) const RESOURCE_LOCKED: u16 = 405;
/// AMQP's reply code for an exchange or queue that exists with other properties.
pub(super) const PRECONDITION_FAILED: u16 = 406;

/// Waits for a reply of the broker. Errors: it is an error, or does not come within [`REPLY_TIMEOUT`].
pub(super) async fn in_time<T>(request: impl Future<Output = lapin::Result<T>>) -> Result<T, Refusal> {
    match tokio::time::timeout(REPLY_TIMEOUT, request).await {
        Ok(reply) => reply.map_err(|error| Refusal::from(&error)),
        Err(_) => Err(Refusal { code: 0, text: format!("it gave no answer within {} s", REPLY_TIMEOUT.as_secs()) }),
    }
}

/// The reason for a failed request to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Reply code of AMQP; 0 for failures that did not come from the broker.
    pub code: u16,
    /// Message of the broker or the client.
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

/// Converts a name to AMQP's short string. Errors: it is longer than 255 bytes.
pub(super) fn short(name: impl Into<String>) -> Result<ShortString, Refusal> {
    ShortString::try_new(name).map_err(|error| Refusal { code: 0, text: error.to_string() })
}
