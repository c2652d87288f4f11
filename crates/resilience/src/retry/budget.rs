//! The retry budget: retries may add only a share to the load, so that they never multiply an outage.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use souk_values::{Clock, Timestamp};

use crate::mistakes::{Check, Mistakes};

/// How many retries a target may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct RetryBudgetConfig {
    /// Retries per hundred first attempts, from 0 to 100. Default 20.
    pub percent: u32,
    /// Retries that every second allows on top, so that a quiet caller may retry too. Default 1.
    pub floor_per_second: u32,
    /// The most retries that can be saved up, and what a new budget holds; at least 1. Default 10.
    pub burst: u32,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self { percent: 20, floor_per_second: 1, burst: 10 }
    }
}

impl RetryBudgetConfig {
    /// Whether every value is in its range; if not, all that are not.
    pub fn validate(&self) -> Result<(), Mistakes> {
        Check::default()
            .key("percent", self.percent <= 100, "from 0 to 100")
            .key("burst", self.burst >= 1, "at least 1")
            .done()
    }
}

/// A bucket of retries, one per target, shared by all who call it.
#[derive(Debug)]
pub struct RetryBudget {
    config: RetryBudgetConfig,
    clock: Arc<dyn Clock>,
    bucket: Mutex<Bucket>,
}

/// A retry costs 1000 parts, so that everything stays in whole numbers.
const RETRY: u64 = 1_000;

#[derive(Debug)]
struct Bucket {
    parts: u64,
    filled_at: Timestamp,
}

impl RetryBudget {
    /// A full bucket. `config` is taken as valid: see [`RetryBudgetConfig::validate`].
    #[must_use]
    pub fn new(config: RetryBudgetConfig, clock: Arc<dyn Clock>) -> Arc<Self> {
        let bucket = Bucket { parts: u64::from(config.burst) * RETRY, filled_at: clock.now() };
        Arc::new(Self { config, clock, bucket: Mutex::new(bucket) })
    }

    /// Notes a first attempt.
    pub(super) fn deposit(&self) {
        drop(self.fill(u64::from(self.config.percent) * RETRY / 100));
    }

    /// Takes one retry, if there is one.
    pub(super) fn withdraw(&self) -> bool {
        let mut bucket = self.fill(0);
        let rest = bucket.parts.checked_sub(RETRY);
        bucket.parts = rest.unwrap_or(bucket.parts);
        rest.is_some()
    }

    /// Adds `parts` and what the time since the last act brought.
    fn fill(&self, parts: u64) -> MutexGuard<'_, Bucket> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let millis = u64::try_from(now.since(bucket.filled_at).as_millis()).unwrap_or(u64::MAX);
        bucket.filled_at = now;
        // One retry a second is one part a millisecond.
        let floor = millis.saturating_mul(self.config.floor_per_second.into());
        let full = u64::from(self.config.burst) * RETRY;
        bucket.parts = bucket.parts.saturating_add(floor).saturating_add(parts).min(full);
        bucket
    }
}
