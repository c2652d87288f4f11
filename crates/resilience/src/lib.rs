//! Circuit breaker, retry and time limit, as Resilience4j has them and with its metric names.
//!
//! Around one call they stand in this order, the outermost first: [`Retry`], [`Breaker`],
//! [`TimeLimit`]. So each attempt asks the breaker anew, and a timeout counts as a failure.
//!
//! Every series carries `service` (whose call it is) and `name` (what is called). Install the
//! metrics recorder before building any of them: they ask for their series once.

pub mod breaker;
pub mod duration_text;
pub mod mistakes;
pub mod retry;
mod series;
pub mod time_limit;

pub use breaker::{Breaker, BreakerConfig, IllegalTransition, NotPermitted, Permit, Snapshot, State};
pub use mistakes::Mistakes;
pub use retry::{Retry, RetryBudget, RetryBudgetConfig, RetryPolicy};
pub use time_limit::{TimeLimit, TimedOut};
