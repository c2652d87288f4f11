//! The number and the delays of redeliveries of a message that its consumer fails to handle.

use std::time::Duration;

/// Number of failed attempts after which a message becomes a dead letter.
pub(crate) const MAX_ATTEMPTS: u32 = 6;

/// Returns the delay before redelivering a message that had failed `attempts` times before: 0.2 s, doubling up to a minute.
#[must_use]
pub(crate) fn delay(attempts: u32) -> Duration {
    Duration::from_millis(200).saturating_mul(2_u32.saturating_pow(attempts)).min(Duration::from_secs(60))
}

/// Iterates over all delays of a message before it becomes a dead letter, shortest first.
pub(crate) fn delays() -> impl Iterator<Item = Duration> {
    (0..MAX_ATTEMPTS - 1).map(delay)
}
