//! Time as an argument: the clock every service is given, and the instant it tells.

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

/// An instant in UTC, in whole milliseconds since 1970-01-01: what every store keeps and every
/// body shows. RFC 3339 with milliseconds on the wire, a 64-bit integer in a store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that `souk` shows, 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since 1970-01-01 UTC. Values that RFC 3339 cannot show are brought to the
    /// nearest one that it can.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        // 9999-12-31T23:59:59.999Z
        Self(millis.clamp(0, 253_402_300_799_999))
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

    /// This instant and `duration` later; stays at the last instant that can be shown.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }

    /// This instant and `duration` earlier; stays at 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.0.saturating_sub(millis))
    }

    /// How long it is from `earlier` to this instant; zero when `earlier` is later.
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

/// What time it is. Two ship: the system's, and one that an admin may move (`--test-clock`).
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// A receiver that changes each time the clock is moved by hand, so that a sleeper can look
    /// again; `None` for a clock that only runs.
    fn moves(&self) -> Option<watch::Receiver<i64>> {
        None
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(Utc::now().timestamp_millis())
    }
}

/// The machine's clock as it was, going on by itself, plus an offset that can be moved forward: `souk up
/// --test-clock`, and tests. It never goes back, though the machine's clock may be set back.
#[derive(Debug)]
pub struct ShiftedClock {
    began: Timestamp,
    since: Instant,
    offset_ms: AtomicI64,
    moved: watch::Sender<i64>,
}

impl ShiftedClock {
    /// A clock that is `offset` ahead of the machine's.
    #[must_use]
    pub fn new(offset: Duration) -> Arc<Self> {
        let offset_ms = i64::try_from(offset.as_millis()).unwrap_or(i64::MAX);
        Arc::new(Self {
            began: SystemClock.now(),
            since: Instant::now(),
            offset_ms: AtomicI64::new(offset_ms),
            moved: watch::Sender::new(offset_ms),
        })
    }

    /// Moves the clock forward and wakes whoever sleeps by it. Answers the whole offset.
    pub fn advance(&self, by: Duration) -> Duration {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let offset_ms = self.offset_ms.fetch_add(by_ms, Ordering::SeqCst).saturating_add(by_ms);
        self.moved.send_replace(offset_ms);
        Duration::from_millis(u64::try_from(offset_ms).unwrap_or(0))
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        let gone_on = self.began.plus(self.since.elapsed()).millis();
        Timestamp::from_millis(gone_on.saturating_add(self.offset_ms.load(Ordering::SeqCst)))
    }

    fn moves(&self) -> Option<watch::Receiver<i64>> {
        Some(self.moved.subscribe())
    }
}

/// Sleeps until `clock` shows `deadline`, however the clock gets there, and no longer than it takes from now if nobody
/// touches the clock: a machine's clock that is set back makes nobody sleep longer. Who must know whether the time has
/// come looks at the clock.
pub async fn sleep_until(clock: &dyn Clock, deadline: Timestamp) {
    let mut moves = clock.moves();
    let mut left = deadline.since(clock.now());
    // Monotonic, unlike the clock.
    let (began, longest) = (tokio::time::Instant::now(), left);
    while !left.is_zero() {
        match &mut moves {
            None => tokio::time::sleep(left).await,
            Some(moves) => {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    change = moves.changed() => if change.is_err() { tokio::time::sleep(left).await },
                }
            }
        }
        left = deadline.since(clock.now()).min(longest.saturating_sub(began.elapsed()));
    }
}

/// Sleeps for `duration` by `clock`.
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
        fn adding_then_asking_since_gives_the_duration(millis in 0_i64..4_000_000_000_000, seconds in 0_u64..10_000_000) {
            let start = Timestamp::from_millis(millis);
            let later = start.plus(Duration::from_secs(seconds));
            prop_assert_eq!(later.since(start), Duration::from_secs(seconds));
            prop_assert_eq!(later.minus(Duration::from_secs(seconds)), start);
            prop_assert_eq!(start.since(later.plus(Duration::from_secs(1))), Duration::ZERO);
        }
    }

    #[test]
    fn a_shifted_clock_moves_and_tells_who_waits() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let moves = clock.moves().unwrap();
        let before = clock.now();
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.now().since(before) >= Duration::from_secs(3_600));
        assert!(moves.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { sleep(&*clock, Duration::from_secs(7 * 86_400)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(7 * 86_400));
        tokio::time::timeout(Duration::from_secs(5), sleeper).await.unwrap().unwrap();
    }

    /// Goes back an hour once it was looked at.
    #[derive(Debug, Default)]
    struct SetBack(AtomicI64);

    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            let looks = self.0.fetch_add(1, Ordering::SeqCst);
            let machine = SystemClock.now();
            if looks < 2 { machine } else { machine.minus(Duration::from_secs(3_600)) }
        }
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_nobody_sleep_longer() {
        let (clock, began) = (SetBack::default(), Instant::now());
        let slept = sleep(&clock, Duration::from_millis(30));
        tokio::time::timeout(Duration::from_secs(10), slept).await.expect("as long as it was to be");
        assert!(began.elapsed() >= Duration::from_millis(29), "{:?}", began.elapsed());
    }
}
