//! The vocabulary of all services: typed ids, money, pages, time, languages and secrets. No I/O.

#![warn(missing_docs)]

pub mod calendar;
pub mod clock;
pub mod day;
pub mod error_chain;
pub mod gauge;
pub mod ids;
pub mod language;
pub mod money;
pub mod page;
pub mod price_text;
pub mod secret;

pub use calendar::{BusinessDay, DayCalendar, NotADay, OffsetPeriod, UnknownZone};
pub use clock::{Clock, ShiftedClock, SystemClock, Timestamp};
pub use day::{DAY, UtcDay};
pub use error_chain::error_chain;
pub use gauge::gauge_value;
pub use ids::*;
pub use language::Language;
pub use money::{Currency, Money, MoneyError};
pub use page::{Page, PageRequest};
pub use price_text::{count_text, price_text};
pub use secret::Secret;
