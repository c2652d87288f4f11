//! Exponential back-off while a broker or an engine is unavailable, in real time.

use std::time::Duration;

/// First pause of a back-off.
pub(crate) const SHORTEST: Duration = Duration::from_millis(100);
/// Upper limit of the pauses.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

/// Returns the pause before the next attempt, given the last `pause` and the time for which the attempt after it worked. What
/// worked for long was not interrupted for the reason of the last pause, so the back-off starts from the shortest pause.
pub(crate) fn after_working(pause: Duration, worked_for: Duration) -> Duration {
    if worked_for > LONGEST { SHORTEST } else { longer(pause) }
}

/// Returns the pause that follows `pause`: twice as long, within the limits.
pub(crate) fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_limit_and_are_short_after_long_work() {
        let mut pause = Duration::ZERO;
        let pauses: Vec<u128> = (0..9)
            .map(|_| {
                pause = after_working(pause, LONGEST);
                pause.as_millis()
            })
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
        assert_eq!(after_working(pause, LONGEST + Duration::from_millis(1)), SHORTEST);
    }
}
