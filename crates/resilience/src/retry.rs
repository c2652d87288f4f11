//! Retries with exponential back-off and jitter, within a budget.

mod budget;

use std::{fmt, sync::Arc, time::Duration};

use metrics::{Counter, counter, describe_counter};
use serde::Deserialize;
use souk_values::IdGen;

pub use self::budget::{RetryBudget, RetryBudgetConfig};
use crate::{
    config_errors::{ConfigErrors, Validation},
    duration_text,
    series::Series,
};

const CALLS: &str = "resilience4j_retry_calls_total";

/// The number of retries and the pauses between them. The defaults suit calls between services.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Maximum number of attempts including the first, at least 1. Default 3.
    pub max_attempts: u32,
    /// Pause before the second attempt, without jitter. Default 50 ms.
    #[serde(with = "duration_text")]
    pub base: Duration,
    /// Upper limit of a pause including jitter. Default 1 s.
    #[serde(with = "duration_text")]
    pub max: Duration,
    /// Factor from one pause to the next, at least 1. Default 2.
    pub multiplier: f64,
    /// Share of a pause by which it randomly varies up and down, from 0 to 1. Default 0.5.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: Duration::from_millis(50),
            max: Duration::from_secs(1),
            multiplier: 2.0,
            jitter: 0.5,
        }
    }
}

impl RetryPolicy {
    /// Checks the ranges of all values. Errors: all values that are out of range.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        Validation::default()
            .require("max-attempts", self.max_attempts >= 1, "at least 1")
            .require("max", self.max >= self.base, "at least base")
            .require("multiplier", self.multiplier >= 1.0, "at least 1")
            .require("jitter", (0.0..=1.0).contains(&self.jitter), "from 0 to 1")
            .finish()
    }

    /// Returns the pause after the `attempt`th attempt, counted from 1. `draw` returns a random part of its argument.
    fn pause(&self, attempt: u32, draw: impl FnOnce(Duration) -> Duration) -> Duration {
        let capped = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or(self.max, |pause| pause.min(self.max));
        let growth = self.multiplier.powf(f64::from(attempt.saturating_sub(1)));
        let middle = capped(self.base.as_secs_f64() * growth).as_secs_f64();
        let lowest = capped(middle * (1.0 - self.jitter));
        let spread = capped(middle * self.jitter).saturating_mul(2);
        lowest.saturating_add(draw(spread)).min(self.max)
    }
}

/// Retries calls of one service to one target.
pub struct Retry {
    policy: RetryPolicy,
    budget: Arc<RetryBudget>,
    random: IdGen,
    successful: [Counter; 2],
    failed: [Counter; 2],
}

impl Retry {
    /// Returns a retry for calls of `service` to the target `name`. Share `budget` among all retries to that target, and
    /// check `policy` with [`RetryPolicy::validate`] before. `random` draws the jitter.
    #[must_use]
    pub fn new(
        service: impl Into<String>,
        name: impl Into<String>,
        policy: RetryPolicy,
        budget: Arc<RetryBudget>,
        random: IdGen,
    ) -> Self {
        describe_counter!(CALLS, "Calls under retry, each once, by how they ended");
        let series = Series { service: service.into(), name: name.into() };
        let kinds = |kinds: [&'static str; 2]| kinds.map(|kind| counter!(CALLS, series.labels_and("kind", kind)));
        Self {
            policy,
            budget,
            random,
            successful: kinds(["successful_without_retry", "successful_with_retry"]),
            failed: kinds(["failed_without_retry", "failed_with_retry"]),
        }
    }

    /// Runs `attempt`, which receives its number from 1, until it succeeds, fails with an error that is not retryable, or
    /// the attempts or the budget are exhausted; then returns the last result. Use it for idempotent calls only.
    pub async fn run<T, E, F>(
        &self,
        mut attempt: impl FnMut(u32) -> F,
        is_retryable: impl Fn(&E) -> bool,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.budget.deposit();
        let mut number = 1;
        loop {
            let result = attempt(number).await;
            let may_retry = matches!(&result, Err(error) if number < self.policy.max_attempts && is_retryable(error));
            if !may_retry || !self.budget.withdraw() {
                self.count(result.is_ok(), number > 1);
                return result;
            }
            drop(result);
            // Network time on tokio's timer, so that retries take no part in a test's shifts of the injected clock.
            tokio::time::sleep(self.policy.pause(number, |whole| self.random.jitter(whole))).await;
            number += 1;
        }
    }

    fn count(&self, is_ok: bool, is_retried: bool) {
        let [without, with] = if is_ok { &self.successful } else { &self.failed };
        let counter = if is_retried { with } else { without };
        counter.increment(1);
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("policy", &self.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_up_to_the_maximum() {
        let policy = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        let pauses = [1, 2, 3, 6, u32::MAX].map(|attempt| policy.pause(attempt, |whole| whole).as_millis());
        assert_eq!(pauses, [50, 100, 200, 1_000, 1_000]);
    }

    #[test]
    fn all_invalid_values_are_reported() {
        assert_eq!(RetryPolicy::default().validate(), Ok(()));
        let invalid = RetryPolicy {
            max_attempts: 0,
            base: Duration::from_secs(2),
            multiplier: 0.5,
            jitter: 1.1,
            ..RetryPolicy::default()
        };
        assert_eq!(invalid.validate().unwrap_err().lines().len(), 4);
    }

    proptest! {
        #[test]
        fn jitter_stays_within_its_share(attempt in 1_u32..10, jitter in 0.0..=1.0, draw in 0.0..1.0) {
            let policy = RetryPolicy { jitter, ..RetryPolicy::default() };
            let middle = f64::from(50 * (1 << (attempt - 1))).min(1_000.0);
            let pause = policy.pause(attempt, |whole| whole.mul_f64(draw)).as_secs_f64() * 1_000.0;
            prop_assert!(pause >= middle * (1.0 - jitter) - 0.001, "{pause}");
            prop_assert!(pause <= (middle * (1.0 + jitter)).min(1_000.0) + 0.001, "{pause}");
        }
    }
}
