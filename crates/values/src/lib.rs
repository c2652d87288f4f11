//! What every service speaks in: typed ids, money, pages, time. No I/O.

pub mod clock;
pub mod ids;
pub mod money;
pub mod page;
pub mod secret;

pub use clock::{Clock, ShiftedClock, SystemClock, Timestamp};
pub use ids::*;
pub use money::{Currency, Money, MoneyError};
pub use page::{Page, PageRequest};
pub use secret::Secret;
