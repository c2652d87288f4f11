//! Circuit breaker, retry and time limit with the semantics, configuration keys and metric names of Resilience4j; and
//! token buckets, which have keys.
//!
//! Nest them around a call in this order, outermost first: [`Retry`], [`Breaker`], [`TimeLimit`]. Then every attempt needs
//! a permit of the breaker, and a timeout counts as a failure.
//!
//! All metrics carry the labels `service` (the caller) and `name` (the target). Install the metrics recorder before
//! creating any of these: they register their series in the constructor.

#![warn(missing_docs)]

pub mod breaker;
pub mod config_errors;
pub mod duration_text;
pub mod rate_limit;
pub mod retry;
mod series;
pub mod time_limit;

pub use breaker::{Breaker, BreakerConfig, Event, EventKind, IllegalTransition, NotPermitted, Permit, Snapshot, State};
pub use config_errors::ConfigErrors;
pub use rate_limit::{Limited, Rate, RateLimiter, Taken};
pub use retry::{Retry, RetryBudget, RetryBudgetConfig, RetryPolicy};
pub use time_limit::{TimeLimit, TimedOut};
