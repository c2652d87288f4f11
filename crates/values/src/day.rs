//! Calendar days in UTC, by which stores index instants. The days of the shop are in [`crate::calendar`].

use std::time::Duration;

use crate::Timestamp;

/// The length of a day.
pub const DAY: Duration = Duration::from_secs(86_400);

const DAY_MS: i64 = 86_400_000;

/// A calendar day in UTC; in a store, the number of days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(i64);

impl UtcDay {
    /// Returns the day that contains `time`.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        Self(time.millis().div_euclid(DAY_MS))
    }

    /// Returns the day that is `number` days after 1970-01-01.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// The first millisecond of the day.
    #[must_use]
    pub fn start(self) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(DAY_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let noon: Timestamp = "2026-01-31T12:00:00.000Z".parse().unwrap();
        let day = UtcDay::of(noon);
        assert_eq!(day, UtcDay::from_number(20_484));
        assert_eq!(day.start().to_string(), "2026-01-31T00:00:00.000Z");
        assert_eq!(UtcDay::of(day.start()), day);
        assert_eq!(UtcDay::of(day.start().minus(Duration::from_millis(1))), UtcDay::from_number(day.number() - 1));
        assert_eq!(UtcDay::of(day.start().plus(DAY)), UtcDay::from_number(day.number() + 1));
    }
}
