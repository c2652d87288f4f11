//! The pace of trying again while a broker or an engine is away: real time on purpose, not a term of the business.

use std::time::Duration;

/// The first pause.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
/// The longest pause.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// The pause after `pause`: twice as long, within the limits.
pub(crate) fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(SHORTEST, LONGEST)
}
