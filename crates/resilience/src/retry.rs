//! Retry: asks again after a short, growing, jittered pause, within a budget.

mod budget;

use std::{fmt, sync::Arc, time::Duration};

use metrics::{Counter, counter, describe_counter};
use serde::Deserialize;
use souk_values::IdGen;

pub use self::budget::{RetryBudget, RetryBudgetConfig};
use crate::{
    duration_text,
    mistakes::{Check, Mistakes},
    series::Series,
};

const CALLS: &str = "resilience4j_retry_calls_total";

/// How often and how fast a failed call is repeated. The defaults suit calls between services.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct RetryPolicy {
    /// Attempts in total, the first included; at least 1. Default 3.
    pub max_attempts: u32,
    /// The pause before the second attempt, without jitter. Default 50 ms.
    #[serde(with = "duration_text")]
    pub base: Duration,
    /// The longest pause, with jitter. Default 1 s.
    #[serde(with = "duration_text")]
    pub max: Duration,
    /// Each pause is this many times the one before; at least 1. Default 2.
    pub multiplier: f64,
    /// A pause is drawn from this share below to this share above its length, from 0 to 1. Default 0.5.
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
    /// Whether every value is in its range; if not, all that are not.
    pub fn validate(&self) -> Result<(), Mistakes> {
        Check::default()
            .key("max-attempts", self.max_attempts >= 1, "at least 1")
            .key("max", self.max >= self.base, "at least base")
            .key("multiplier", self.multiplier >= 1.0, "at least 1")
            .key("jitter", (0.0..=1.0).contains(&self.jitter), "from 0 to 1")
            .done()
    }

    /// The pause after the `attempt`th attempt, counted from 1. `draw` answers a random share of what it is given.
    fn pause(&self, attempt: u32, draw: impl FnOnce(Duration) -> Duration) -> Duration {
        let capped = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or(self.max, |pause| pause.min(self.max));
        let growth = self.multiplier.powf(f64::from(attempt.saturating_sub(1)));
        let middle = capped(self.base.as_secs_f64() * growth).as_secs_f64();
        let lowest = capped(middle * (1.0 - self.jitter));
        let spread = capped(middle * self.jitter).saturating_mul(2);
        lowest.saturating_add(draw(spread)).min(self.max)
    }
}

/// Repeats the calls of one service to one target.
pub struct Retry {
    policy: RetryPolicy,
    budget: Arc<RetryBudget>,
    random: IdGen,
    successful: [Counter; 2],
    failed: [Counter; 2],
}

impl Retry {
    /// For calls of `service` to the target `name`. Share `budget` among all retries to that target.
    /// `random` makes the jitter. `policy` is taken as valid: see [`RetryPolicy::validate`].
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

    /// Runs `attempt`, given its number from 1, until it succeeds, its error is not retryable, the
    /// attempts are used up or the budget is. Answers the last result. Only for what may safely be done twice.
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
            let answer = attempt(number).await;
            let may_repeat = matches!(&answer, Err(error) if number < self.policy.max_attempts && is_retryable(error));
            if !may_repeat || !self.budget.withdraw() {
                self.count(answer.is_ok(), number > 1);
                return answer;
            }
            drop(answer);
            // A network pause, not business time: it runs by tokio's timer and not by the injected clock.
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
    fn every_mistake_is_told() {
        assert_eq!(RetryPolicy::default().validate(), Ok(()));
        let wrong = RetryPolicy {
            max_attempts: 0,
            base: Duration::from_secs(2),
            multiplier: 0.5,
            jitter: 1.1,
            ..RetryPolicy::default()
        };
        assert_eq!(wrong.validate().unwrap_err().lines().len(), 4);
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
