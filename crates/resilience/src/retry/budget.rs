//! The retry budget: limits retries to a share of the load, so that they do not multiply the load during an outage.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use serde::Deserialize;
use souk_values::{Clock, Timestamp};

use crate::config_errors::{ConfigErrors, Validation};

/// Limits of the retries to one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct RetryBudgetConfig {
    /// Number of retries per hundred first attempts, from 0 to 100. Default 20.
    pub percent: u32,
    /// Additional retries per second, so that a caller with little traffic can retry too. Default 1.
    pub floor_per_second: u32,
    /// Capacity of the bucket and its initial content, in retries, at least 1. Default 10.
    pub burst: u32,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self { percent: 20, floor_per_second: 1, burst: 10 }
    }
}

impl RetryBudgetConfig {
    /// Checks the ranges of all values. Errors: all values that are out of range.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        Validation::default()
            .require("percent", self.percent <= 100, "from 0 to 100")
            .require("burst", self.burst >= 1, "at least 1")
            .finish()
    }
}

/// A token bucket of retries to one target, shared by all of its callers.
#[derive(Debug)]
pub struct RetryBudget {
    config: RetryBudgetConfig,
    clock: Arc<dyn Clock>,
    bucket: Mutex<Bucket>,
}

/// Tokens per retry. One retry per second is then one token per millisecond, and all amounts are whole numbers.
const RETRY: u64 = 1_000;

#[derive(Debug)]
struct Bucket {
    tokens: u64,
    filled_at: Timestamp,
}

impl RetryBudget {
    /// Returns a full budget. Check `config` with [`RetryBudgetConfig::validate`] before.
    #[must_use]
    pub fn new(config: RetryBudgetConfig, clock: Arc<dyn Clock>) -> Arc<Self> {
        let bucket = Bucket { tokens: u64::from(config.burst) * RETRY, filled_at: clock.now() };
        Arc::new(Self { config, clock, bucket: Mutex::new(bucket) })
    }

    /// Adds the share of a retry that one first attempt allows.
    pub(super) fn deposit(&self) {
        drop(self.fill(u64::from(self.config.percent) * RETRY / 100));
    }

    /// Takes a retry out of the bucket. Returns false if the budget is exhausted.
    pub(super) fn withdraw(&self) -> bool {
        let mut bucket = self.fill(0);
        let rest = bucket.tokens.checked_sub(RETRY);
        bucket.tokens = rest.unwrap_or(bucket.tokens);
        rest.is_some()
    }

    /// Adds `tokens`, and those for the time since the last fill.
    fn fill(&self, tokens: u64) -> MutexGuard<'_, Bucket> {
        let mut bucket = self.bucket.lock();
        let now = self.clock.now();
        let millis = u64::try_from(now.since(bucket.filled_at).as_millis()).unwrap_or(u64::MAX);
        bucket.filled_at = now;
        let floor = millis.saturating_mul(self.config.floor_per_second.into());
        let full = u64::from(self.config.burst) * RETRY;
        bucket.tokens = bucket.tokens.saturating_add(floor).saturating_add(tokens).min(full);
        bucket
    }
}
