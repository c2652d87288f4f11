//! How often and how soon a message that failed by its own fault is handed out again.

use std::time::Duration;

/// How often a message may fail by its own fault before it is a dead letter.
pub(crate) const ATTEMPTS: u32 = 6;

/// How long a message that failed `attempts` times before is held back: 0.2 s, doubling, at most a minute.
#[must_use]
pub(crate) fn back_off(attempts: u32) -> Duration {
    Duration::from_millis(200).saturating_mul(2_u32.saturating_pow(attempts)).min(Duration::from_secs(60))
}

/// Every pause that [`back_off`] gives before a message is a dead letter, shortest first.
pub(crate) fn levels() -> impl Iterator<Item = Duration> {
    (0..ATTEMPTS - 1).map(back_off)
}
