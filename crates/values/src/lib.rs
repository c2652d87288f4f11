//! The vocabulary of all services: typed ids, money, pages, time and secrets. No I/O.

#![warn(missing_docs)]

pub mod calendar;
pub mod clock;
pub mod day;
pub mod error_chain;
pub mod gauge;
pub mod ids;
pub mod money;
pub mod page;
pub mod secret;

pub use calendar::{BusinessDay, DayCalendar, OffsetPeriod, UnknownZone};
pub use clock::{Clock, ShiftedClock, SystemClock, Timestamp};
pub use day::{DAY, UtcDay};
pub use error_chain::error_chain;
pub use gauge::gauge_value;
pub use ids::*;
pub use money::{Currency, Money, MoneyError};
pub use page::{Page, PageRequest};
pub use secret::Secret;
