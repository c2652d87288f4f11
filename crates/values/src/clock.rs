//! Time as an argument: the clock that is injected into every service, and the timestamps that it returns.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use serde::{Deserialize, Serialize, de};
use tokio::sync::watch;

/// An instant in UTC with a resolution of one millisecond. On the wire it is RFC 3339 text with milliseconds, in a store
/// a 64-bit integer: milliseconds since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that can be represented, 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The latest instant that can be represented, 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the instant `millis` milliseconds after 1970-01-01 UTC. Values outside the years 1970 to 9999, which RFC
    /// 3339 cannot express here, are clamped.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(Self::EPOCH.0, Self::MAX.0))
    }

    /// Milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// Returns the instant that is `duration` later, at most the end of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// Returns the instant that is `duration` earlier, at least [`Timestamp::EPOCH`].
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// Returns the time elapsed from `earlier` to this instant; zero if `earlier` is in fact later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn date_time(self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0).single().unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.date_time().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        DateTime::parse_from_rfc3339(text).map(|time| Self::from_millis(time.timestamp_millis()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom("expected an RFC 3339 time such as 2026-01-31T12:00:00Z"))
    }
}

impl utoipa::PartialSchema for Timestamp {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime)))
            .description(Some("RFC 3339, UTC, milliseconds"))
            .examples([serde_json_example("2026-01-31T12:00:00.000Z")])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for Timestamp {}

fn serde_json_example(text: &str) -> serde_json::Value {
    serde_json::Value::String(text.to_owned())
}

/// The source of the current time: [`SystemClock`] in production, [`ShiftedClock`] in tests and under `--test-clock`.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current time.
    fn now(&self) -> Timestamp;

    /// Returns a receiver of the clock's manual shifts, with the total offset in milliseconds as its value, so that a
    /// sleeper can recompute its remaining time. `None` for a clock that cannot be shifted.
    fn shifts(&self) -> Option<watch::Receiver<i64>> {
        None
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the only caller of the operating system's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Utc::now().timestamp_millis())
    }
}

/// A clock that starts at the system time plus an offset, advances monotonically, and can be moved forward: for tests and
/// `souk up --test-clock`. It never goes back, even if the system clock is set back.
#[derive(Debug)]
pub struct ShiftedClock {
    started_at: Timestamp,
    started: Instant,
    offset_ms: AtomicI64,
    shifts: watch::Sender<i64>,
}

impl ShiftedClock {
    /// Returns a clock that is `offset` ahead of the system clock.
    #[must_use]
    pub fn new(offset: Duration) -> Arc<Self> {
        let offset_ms = i64::try_from(offset.as_millis()).unwrap_or(i64::MAX);
        Arc::new(Self {
            started_at: SystemClock.now(),
            started: Instant::now(),
            offset_ms: AtomicI64::new(offset_ms),
            shifts: watch::Sender::new(offset_ms),
        })
    }

    /// Moves the clock forward, wakes everything that sleeps on it, and returns the total offset.
    pub fn advance(&self, by: Duration) -> Duration {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let offset_ms = self.offset_ms.fetch_add(by_ms, Ordering::SeqCst).saturating_add(by_ms);
        self.shifts.send_replace(offset_ms);
        Duration::from_millis(u64::try_from(offset_ms).unwrap_or(0))
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let unshifted = self.started_at.plus(self.started.elapsed()).millis();
        Timestamp::from_millis(unshifted.saturating_add(self.offset_ms.load(Ordering::SeqCst)))
    }

    fn shifts(&self) -> Option<watch::Receiver<i64>> {
        Some(self.shifts.subscribe())
    }
}

/// Sleeps until `clock` reaches `deadline`, either by running or by being shifted. Never sleeps longer than the time that
/// is left now, so that a system clock that is set back does not prolong the sleep; a caller to whom that matters checks
/// the clock afterwards.
pub async fn sleep_until(clock: &dyn Clock, deadline: Timestamp) {
    let mut shifts = clock.shifts();
    let mut left = deadline.since(clock.now());
    // Tokio's clock is monotonic, the system clock is not.
    let began = tokio::time::Instant::now();
    let longest = left;
    while !left.is_zero() {
        match &mut shifts {
            None => tokio::time::sleep(left).await,
            Some(shifts) => {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    change = shifts.changed() => if change.is_err() { tokio::time::sleep(left).await },
                }
            }
        }
        left = deadline.since(clock.now()).min(longest.saturating_sub(began.elapsed()));
    }
}

/// Sleeps for `duration` of `clock`, as [`sleep_until`] does.
pub async fn sleep(clock: &dyn Clock, duration: Duration) {
    sleep_until(clock, clock.now().plus(duration)).await;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_back(millis in 0_i64..253_402_300_799_999) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
        }

        #[test]
        fn since_returns_the_duration_that_was_added(millis in 0_i64..4_000_000_000_000, seconds in 0_u64..10_000_000) {
            let start = Timestamp::from_millis(millis);
            let later = start.plus(Duration::from_secs(seconds));
            prop_assert_eq!(later.since(start), Duration::from_secs(seconds));
            prop_assert_eq!(later.minus(Duration::from_secs(seconds)), start);
            prop_assert_eq!(start.since(later.plus(Duration::from_secs(1))), Duration::ZERO);
        }
    }

    #[test]
    fn a_shifted_clock_advances_and_notifies_its_subscribers() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let shifts = clock.shifts().unwrap();
        let before = clock.now();
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.now().since(before) >= Duration::from_secs(3_600));
        assert!(shifts.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_shifted() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { sleep(&*clock, Duration::from_secs(7 * 86_400)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(7 * 86_400));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }

    /// A system clock that is set back by an hour after two reads.
    #[derive(Debug, Default)]
    struct SetBack(AtomicI64);

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            let reads = self.0.fetch_add(1, Ordering::SeqCst);
            let now = SystemClock.now();
            if reads < 2 { now } else { now.minus(Duration::from_secs(3_600)) }
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_prolong_a_sleep() {
        let clock = SetBack::default();
        let began = Instant::now();
        let slept = sleep(&clock, Duration::from_millis(30));
        tokio::time::timeout(Duration::from_secs(10), slept).await.expect("the sleep ends in its original time");
        assert!(began.elapsed() >= Duration::from_millis(29), "{:?}", began.elapsed());
    }
}
