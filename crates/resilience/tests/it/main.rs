//! The behaviour of breaker, retry and time limit, one file per subject.
#![cfg(test)]

mod closed;
mod events;
mod forced;
mod half_open;
mod liveness;
mod metrics;
mod model;
mod open;
mod retry;
mod rig;
mod time_limit;
