//! Exponential back-off while a broker or an engine is unavailable, in real time.

use std::time::Duration;

/// First pause of a back-off.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
/// Upper limit of the pauses.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// Returns the pause that follows `pause`: twice as long, within the limits.
pub(crate) fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(SHORTEST, LONGEST)
}
