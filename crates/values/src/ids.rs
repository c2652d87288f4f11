//! Typed ids and their generator. An id is a positive integer below 2^53, so that JavaScript reads it exactly, and sorts
//! by the time it was generated.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{Clock, Timestamp};

/// The largest id, 2^53 - 1.
pub const MAX_ID: i64 = (1 << 53) - 1;

/// A number or text that is not an id: not a whole number, or outside of 1 to 2^53 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id is a whole number from 1 to 9007199254740991")]
pub struct IdError;

/// A type of id. Each wraps a checked number, and reads and displays as that number.
pub trait Id: Copy + Sized + Send + Sync + 'static {
    /// Returns the id with this number. Errors: the number is below 1 or above [`MAX_ID`].
    fn new(number: i64) -> Result<Self, IdError>;
    /// Returns the number, which is also the form in stores.
    fn get(self) -> i64;
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $crate::ids::Id for $name {
            fn new(number: i64) -> Result<Self, IdError> {
                if (1..=MAX_ID).contains(&number) { Ok(Self(number)) } else { Err(IdError) }
            }
            fn get(self) -> i64 { self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                // `+5` and `007` parse as numbers; an id has one spelling.
                match text.parse() {
                    Ok(number) if text.starts_with(|first: char| matches!(first, '1'..='9')) => Self::new(number),
                    _ => Err(IdError),
                }
            }
        }

        impl TryFrom<i64> for $name {
            type Error = IdError;
            fn try_from(number: i64) -> Result<Self, IdError> { Self::new(number) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = i64::deserialize(deserializer)?;
                Self::new(number).map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::Integer)
                    .format(Some(utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::Int64)))
                    .minimum(Some(1)).maximum(Some(MAX_ID))
                    .examples([serde_json::Value::from(246_290_604_621_824_i64)])
                    .build().into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )*};
}

id! {
    /// A registered user or a guest, issued by auth.
    UserId;
    /// A product of the catalogue.
    ProductId;
    /// A node of the category tree.
    CategoryId;
    /// An order, issued by order.
    OrderId;
    /// One line of an order.
    OrderItemId;
    /// One attempt to pay an order.
    PaymentId;
    /// One refund of a payment.
    RefundId;
    /// One notification to one user.
    NotificationId;
}

/// 2025-01-01T00:00:00Z, from which ids count seconds, as seconds since 1970.
const ID_EPOCH_SECONDS: i64 = 1_735_689_600;
const RANDOM_BITS: u32 = 22;

/// Generates ids from 31 bits of seconds since 2025-01-01 UTC, enough until 2093, and 22 random bits. Two generators may
/// draw the same id; the store's primary key rejects the second, and the caller draws again. Cloning shares the generator.
#[derive(Debug, Clone)]
pub struct IdGen {
    clock: Arc<dyn Clock>,
    rng: Arc<Mutex<StdRng>>,
    last_uuid: Arc<Mutex<u128>>,
}

impl IdGen {
    /// Returns a generator seeded by the operating system.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::seeded(clock, StdRng::from_rng(&mut rand::rng()))
    }

    /// Returns a generator that draws its random bits from `rng`, for repeatable tests.
    #[must_use]
    pub fn seeded(clock: Arc<dyn Clock>, rng: StdRng) -> Self {
        Self { clock, rng: Arc::new(Mutex::new(rng)), last_uuid: Arc::default() }
    }

    /// Returns a new id.
    #[must_use]
    pub fn next<I: Id>(&self) -> I {
        self.draw(self.clock.now(), 1)
    }

    /// Returns `count` consecutive ids for a bulk insert, which an index appends without splitting its pages.
    #[must_use]
    pub fn next_many<I: Id>(&self, count: usize) -> Vec<I> {
        let first = self.draw::<I>(self.clock.now(), count).get();
        (first..).take(count).filter_map(|number| I::new(number).ok()).collect()
    }

    /// Returns `length` random bytes as lower-case hexadecimal, for tokens and keys.
    #[must_use]
    pub fn token(&self, length: usize) -> String {
        use std::fmt::Write as _;
        let mut bytes = vec![0_u8; length];
        self.with_rng(|rng| rng.fill(&mut bytes[..]));
        bytes.iter().fold(String::with_capacity(length * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Returns an event id: a `UUIDv7` greater than all that this generator returned before, so that reading an outbox in
    /// the order of its keys is reading it in the order of its writes.
    #[must_use]
    pub fn uuid(&self) -> uuid::Uuid {
        let millis = u64::try_from(self.clock.now().millis()).unwrap_or(0);
        let random: [u8; 10] = self.with_rng(RngExt::random);
        let drawn = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut last = self.last_uuid.lock();
        *last = drawn.as_u128().max(last.saturating_add(1));
        uuid::Uuid::from_u128(*last)
    }

    /// Returns a random duration from zero up to `whole`.
    #[must_use]
    pub fn jitter(&self, whole: Duration) -> Duration {
        whole.mul_f64(self.with_rng(RngExt::random::<f64>))
    }

    /// Returns a number below every id that is made at `at` or later, and not below those made in earlier seconds.
    #[must_use]
    pub fn before(at: Timestamp) -> i64 {
        seconds_of(at) << RANDOM_BITS
    }

    /// Returns an event id that is not above any made at `at` or later, and above all made in earlier milliseconds.
    #[must_use]
    pub fn uuid_before(at: Timestamp) -> uuid::Uuid {
        uuid::Builder::from_unix_timestamp_millis(at.millis().try_into().unwrap_or(0), &[0; 10]).into_uuid()
    }

    fn draw<I: Id>(&self, now: Timestamp, count: usize) -> I {
        let seconds = seconds_of(now);
        let room = (1_i64 << RANDOM_BITS) - i64::try_from(count).unwrap_or(i64::MAX).clamp(1, (1 << RANDOM_BITS) - 1);
        // From 1, because 0 in the first second would not be an id.
        let low = self.with_rng(|rng| rng.random_range(1..=room));
        match I::new((seconds << RANDOM_BITS) | low) {
            Ok(id) => id,
            Err(IdError) => unreachable!("31 and 22 bits make a number from 1 to 2^53 - 1"),
        }
    }

    fn with_rng<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.rng.lock())
    }
}

/// Returns the part of an id that is the time, in seconds.
fn seconds_of(at: Timestamp) -> i64 {
    (at.seconds() - ID_EPOCH_SECONDS).clamp(0, (1 << 31) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{ShiftedClock, SystemClock};

    #[test]
    fn ids_are_ordered_by_time_and_fit_javascript() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let first: OrderId = ids.next();
        clock.advance(Duration::from_secs(2));
        let between = IdGen::before(clock.now());
        let second: OrderId = ids.next();
        assert!(first.get() < between && between < second.get());
        assert!(first < second);
        assert!(second.get() <= MAX_ID);
    }

    #[test]
    fn event_ids_only_grow() {
        let ids = IdGen::new(Arc::new(SystemClock));
        let drawn: Vec<_> = (0..2_000).map(|_| ids.uuid()).collect();
        assert!(drawn.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn event_ids_are_divided_by_time_as_numbers_and_as_text() {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        for _ in 0..100 {
            let before = ids.uuid();
            clock.advance(Duration::from_millis(2));
            let between = IdGen::uuid_before(clock.now());
            let after = ids.uuid();
            assert!(before < between && between <= after);
            assert!(before.to_string() < between.to_string() && between.to_string() <= after.to_string());
        }
    }

    #[test]
    fn a_batch_of_ids_is_consecutive() {
        let ids: Vec<ProductId> = IdGen::new(Arc::new(SystemClock)).next_many(500);
        assert_eq!(ids.len(), 500);
        assert!(ids.windows(2).all(|pair| pair[1].get() == pair[0].get() + 1));
    }

    #[test]
    fn anything_but_an_id_is_rejected() {
        for text in ["", "0", "-1", "+5", "007", "1.0", "9007199254740992", "abc", "1 "] {
            assert_eq!(text.parse::<OrderId>(), Err(IdError), "{text}");
        }
        for json in ["0", "-3", "1.5", "\"7\"", "null", "9007199254740992"] {
            assert!(serde_json::from_str::<OrderId>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn text_and_json_and_back(number in 1..=MAX_ID) {
            let id = OrderId::new(number).unwrap();
            prop_assert_eq!(id.to_string().parse::<OrderId>().unwrap(), id);
            prop_assert_eq!(serde_json::from_str::<OrderId>(&serde_json::to_string(&id).unwrap()).unwrap(), id);
        }
    }
}
