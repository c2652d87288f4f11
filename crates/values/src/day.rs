//! Calendar days in UTC, by which stores index instants. The days of the shop are in [`crate::calendar`].

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::Timestamp;

/// The length of a day.
pub const DAY: Duration = Duration::from_secs(86_400);

const DAY_MS: i64 = 86_400_000;

/// A calendar day in UTC. `2026-01-31` as text and in JSON, the number of days since 1970-01-01 in a store.
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

    /// Iterates over the `days` days that end with `today`, earliest first.
    pub fn last(days: u32, today: Self) -> impl Iterator<Item = Self> {
        (0..i64::from(days)).rev().map(move |back| Self(today.0 - back))
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = self.start().to_string();
        f.write_str(midnight.split('T').next().unwrap_or_default())
    }
}

impl Serialize for UtcDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl utoipa::PartialSchema for UtcDay {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date)))
            .description(Some("Calendar day in UTC, ISO 8601"))
            .examples([serde_json::Value::from("2026-01-31")])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for UtcDay {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        let noon: Timestamp = "2026-01-31T12:00:00.000Z".parse().unwrap();
        let day = UtcDay::of(noon);
        assert_eq!(day.to_string(), "2026-01-31");
        assert_eq!(serde_json::to_string(&day).unwrap(), r#""2026-01-31""#);
        assert_eq!(day.start().to_string(), "2026-01-31T00:00:00.000Z");
        assert_eq!(UtcDay::of(day.start()), day);
        assert_eq!(UtcDay::of(day.start().minus(Duration::from_millis(1))), UtcDay::from_number(day.number() - 1));
        assert_eq!(UtcDay::of(day.start().plus(DAY)), UtcDay::from_number(day.number() + 1));
    }

    #[test]
    fn the_last_days_end_with_today() {
        let today = UtcDay::from_number(20_484);
        let days: Vec<String> = UtcDay::last(3, today).map(|day| day.to_string()).collect();
        assert_eq!(days, ["2026-01-29", "2026-01-30", "2026-01-31"]);
        assert_eq!(UtcDay::last(0, today).count(), 0);
    }
}
