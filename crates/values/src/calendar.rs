//! Days of the shop: what "today" and "by day" mean in its time zone.

use std::{fmt, ops::Range, str::FromStr};

use jiff::{
    Span,
    civil::{Date, date},
    tz::{TimeZone, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize, de};

use crate::{Timestamp, UtcDay};

const DAY_MS: i64 = 86_400_000;
/// Day 0 of [`BusinessDay::number`].
const FIRST: Date = date(1970, 1, 1);

/// A calendar day of the shop, which [`DayCalendar`] turns into instants. `2026-01-31` as text and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDay(i64);

impl BusinessDay {
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

    /// Returns the day that is `days` later.
    #[must_use]
    pub fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }

    fn date(self) -> Date {
        FIRST.saturating_add(Span::new().try_days(self.0).unwrap_or_default())
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

/// A text that is no calendar day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a day of the form 2026-01-31")]
pub struct NotADay(String);

impl FromStr for BusinessDay {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let not_a_day = || NotADay(text.to_owned());
        let date: Date = text.parse().map_err(|_| not_a_day())?;
        let days = date.since(FIRST).map_err(|_| not_a_day())?.get_days();
        let day = Self(days.into());
        // jiff also takes a time behind the date.
        if day.to_string() == text { Ok(day) } else { Err(not_a_day()) }
    }
}

impl<'de> Deserialize<'de> for BusinessDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for BusinessDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl utoipa::PartialSchema for BusinessDay {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Date)))
            .description(Some("Calendar day in the shop's time zone, ISO 8601"))
            .examples([serde_json::Value::from("2026-01-31")])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for BusinessDay {}

/// A time zone of which no zone has the name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone '{0}': give a name of the IANA database, such as Europe/Berlin or UTC")]
pub struct UnknownZone(String);

/// The calendar of a time zone. Its rules are compiled in, so that every replica has the same.
#[derive(Debug, Clone, PartialEq)]
pub struct DayCalendar {
    zone: TimeZone,
}

/// A period in which the local time of a zone has one distance from UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffsetPeriod {
    /// First instant, and the first one after the period.
    pub instants: Range<Timestamp>,
    /// Local time minus UTC in milliseconds; positive in the east.
    pub offset_ms: i64,
}

impl Default for DayCalendar {
    fn default() -> Self {
        Self { zone: TimeZone::UTC }
    }
}

impl DayCalendar {
    /// Name of the zone in the IANA database, such as `Europe/Berlin`.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the day that contains `time`.
    #[must_use]
    pub fn day_of(&self, time: Timestamp) -> BusinessDay {
        BusinessDay(time.millis().saturating_add(self.offset_ms(time)).div_euclid(DAY_MS))
    }

    /// Returns the first instant of `day`: midnight, or where the clocks skip it, the instant at which they do.
    #[must_use]
    pub fn start(&self, day: BusinessDay) -> Timestamp {
        // From noon, because midnight may not exist, or exist twice.
        let noon = day.date().at(12, 0, 0, 0).to_zoned(self.zone.clone());
        match noon.and_then(|noon| noon.start_of_day()) {
            Ok(start) => Timestamp::from_millis(start.timestamp().as_millisecond()),
            // Within hours of the end of the year 9999, after which no instant exists.
            Err(_) => UtcDay::from_number(day.number()).start(),
        }
    }

    /// Returns the instants of `day`, from its start to that of the next: 24 hours, or 23 or 25 where the clocks change.
    #[must_use]
    pub fn bounds(&self, day: BusinessDay) -> Range<Timestamp> {
        self.start(day)..self.start(day.plus(1))
    }

    /// Iterates over the `days` days that end with that of `now`, earliest first.
    pub fn last(&self, days: u32, now: Timestamp) -> impl Iterator<Item = BusinessDay> + use<> {
        let today = self.day_of(now);
        (0..i64::from(days)).rev().map(move |back| today.plus(-back))
    }

    /// Splits `instants` at each change of the clocks. In one of the periods the day of an instant is
    /// `(millis + offset_ms) / 86_400_000`, rounded down, which a store can compute.
    #[must_use]
    pub fn offset_periods(&self, instants: Range<Timestamp>) -> Vec<OffsetPeriod> {
        let mut periods = Vec::new();
        let mut start = instants.start;
        for change in self.zone.following(instant(instants.start)) {
            let at = Timestamp::from_millis(change.timestamp().as_millisecond());
            if at >= instants.end {
                break;
            }
            let offset_ms = self.offset_ms(start);
            // Some changes concern the name of the local time only.
            if self.offset_ms(at) != offset_ms {
                periods.push(OffsetPeriod { instants: start..at, offset_ms });
                start = at;
            }
        }
        if start < instants.end {
            periods.push(OffsetPeriod { instants: start..instants.end, offset_ms: self.offset_ms(start) });
        }
        periods
    }

    fn offset_ms(&self, time: Timestamp) -> i64 {
        i64::from(self.zone.to_offset(instant(time)).seconds()) * 1_000
    }
}

/// Returns `time` as an instant of jiff, whose last one is a day before that of [`Timestamp`].
fn instant(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::MAX)
}

impl FromStr for DayCalendar {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        if name.eq_ignore_ascii_case("UTC") {
            return Ok(Self::default());
        }
        // Not the database of the machine: see docs/decisions/0009.
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone(name.to_owned()))?;
        if zone.iana_name().is_none() {
            return Err(UnknownZone(name.to_owned()));
        }
        Ok(Self { zone })
    }
}

impl Serialize for DayCalendar {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.zone())
    }
}

impl<'de> Deserialize<'de> for DayCalendar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::DAY;

    fn calendar(zone: &str) -> DayCalendar {
        zone.parse().unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> BusinessDay {
        // Noon in UTC is the same date in every zone of these tests.
        DayCalendar::default().day_of(time(&format!("{text}T12:00:00Z")))
    }

    const HOUR: Duration = Duration::from_secs(3_600);
    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn days_begin_and_end_at_local_midnight() {
        for (zone, date, start, hours) in [
            ("UTC", "2026-01-31", "2026-01-31T00:00:00Z", 24),
            ("Europe/Berlin", "2026-01-31", "2026-01-30T23:00:00Z", 24),
            ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", 23),
            ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", 25),
            ("Pacific/Auckland", "2026-04-05", "2026-04-04T11:00:00Z", 25),
            ("Pacific/Auckland", "2026-09-27", "2026-09-26T12:00:00Z", 23),
            ("Asia/Kolkata", "2026-03-29", "2026-03-28T18:30:00Z", 24),
            // Where the clocks skip midnight, and where it comes twice.
            ("Asia/Beirut", "2025-03-30", "2025-03-29T22:00:00Z", 23),
            ("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", 25),
            // Long after the last entry of the zone's table.
            ("Europe/Berlin", "2090-06-01", "2090-05-31T22:00:00Z", 24),
        ] {
            let calendar = calendar(zone);
            let bounds = calendar.bounds(day(date));
            assert_eq!(bounds.start, time(start), "{zone} {date}");
            assert_eq!(bounds.end.since(bounds.start), HOUR * hours, "{zone} {date}");
            assert_eq!(calendar.day_of(bounds.start).to_string(), date, "{zone}");
            assert_eq!(calendar.day_of(bounds.end.minus(MILLISECOND)).to_string(), date, "{zone}");
            assert_eq!(calendar.day_of(bounds.end), day(date).plus(1), "{zone} {date}");
            assert_eq!(calendar.day_of(bounds.start.minus(MILLISECOND)), day(date).plus(-1), "{zone} {date}");
        }
    }

    #[test]
    fn a_day_that_a_zone_skipped_is_empty() {
        let samoa = calendar("Pacific/Apia");
        let skipped = samoa.bounds(day("2011-12-30"));
        assert_eq!(skipped.start, skipped.end);
        assert_eq!(samoa.day_of(skipped.start).to_string(), "2011-12-31");
        assert_eq!(samoa.day_of(skipped.start.minus(MILLISECOND)).to_string(), "2011-12-29");
    }

    #[test]
    fn today_depends_on_the_zone() {
        let now = time("2026-01-31T18:45:00Z");
        for (zone, today) in [
            ("UTC", "2026-01-31"),
            ("Europe/Berlin", "2026-01-31"),
            ("Asia/Kolkata", "2026-02-01"),
            ("Pacific/Auckland", "2026-02-01"),
            ("America/Los_Angeles", "2026-01-31"),
        ] {
            let days: Vec<String> = calendar(zone).last(3, now).map(|day| day.to_string()).collect();
            assert_eq!(days.len(), 3);
            assert_eq!(days[2], today, "{zone}");
            assert!(days.is_sorted());
        }
        assert_eq!(DayCalendar::default().last(0, now).count(), 0);
    }

    #[test]
    fn a_range_is_split_where_the_clocks_change() {
        let berlin = calendar("Europe/Berlin");
        let year = berlin.start(day("2026-01-01"))..berlin.start(day("2027-01-01"));
        let periods = berlin.offset_periods(year.clone());
        let offsets: Vec<i64> = periods.iter().map(|period| period.offset_ms / 3_600_000).collect();
        assert_eq!(offsets, [1, 2, 1]);
        assert_eq!((periods[0].instants.start, periods[2].instants.end), (year.start, year.end));
        assert_eq!(periods[0].instants.end, time("2026-03-29T01:00:00Z"));
        assert_eq!(periods[1].instants, periods[0].instants.end..periods[2].instants.start);
        let kolkata = calendar("Asia/Kolkata").offset_periods(year.clone());
        assert_eq!(kolkata, [OffsetPeriod { instants: year.clone(), offset_ms: 19_800_000 }]);
        assert_eq!(DayCalendar::default().offset_periods(year.start..year.start), []);
    }

    #[test]
    fn a_zone_is_read_and_written_by_its_name() {
        for name in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata"] {
            let read: DayCalendar = serde_json::from_str(&format!("\"{name}\"")).unwrap();
            assert_eq!(read.zone(), name);
            assert_eq!(serde_json::to_string(&read).unwrap(), format!("\"{name}\""));
        }
        assert_eq!(calendar("europe/berlin").zone(), "Europe/Berlin");
        assert_eq!(calendar("utc"), DayCalendar::default());
        for wrong in ["", "Europe/Berln", "CEST+2", "+02:00", "Mars/Phobos", "../etc/passwd", "Local"] {
            let error = wrong.parse::<DayCalendar>().unwrap_err();
            assert!(error.to_string().contains(&format!("'{wrong}'")), "{error}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for zone in ["UTC", "Pacific/Auckland", "America/Los_Angeles"] {
            let calendar = calendar(zone);
            for time in [Timestamp::EPOCH, Timestamp::from_millis(i64::MAX)] {
                let bounds = calendar.bounds(calendar.day_of(time));
                assert!(bounds.start <= time, "{zone}");
                assert!(!calendar.offset_periods(Timestamp::EPOCH..Timestamp::EPOCH.plus(DAY)).is_empty());
            }
            for number in [i64::MIN, i64::MAX] {
                let _ = calendar.bounds(BusinessDay::from_number(number));
                let _ = BusinessDay::from_number(number).to_string();
            }
        }
    }

    proptest! {
        /// The three ways to the day of an instant agree: its offset, the bounds of the day, and the periods.
        #[test]
        fn every_instant_is_in_its_day(
            millis in 0_i64..4_102_444_800_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "Pacific/Auckland", "Asia/Kolkata", "America/Sao_Paulo",
                "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Beirut"]),
        ) {
            let calendar = calendar(zone);
            let time = Timestamp::from_millis(millis);
            let day = calendar.day_of(time);
            prop_assert!(calendar.bounds(day).contains(&time), "{}: {} is not in {}", zone, time, day);
            let around = time.minus(DAY)..time.plus(DAY);
            let periods = calendar.offset_periods(around);
            let period = periods.iter().find(|period| period.instants.contains(&time)).unwrap();
            prop_assert_eq!((millis + period.offset_ms).div_euclid(DAY_MS), day.number());
        }
    }
}
