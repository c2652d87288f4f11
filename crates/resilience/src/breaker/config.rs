//! How a circuit breaker is set: Resilience4j's keys and defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    duration_text,
    mistakes::{Check, Mistakes},
};

/// The settings of one breaker. Durations are written as [`duration_text`] says.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Opens when at least this share of calls failed, in percent, above 0 and up to 100. Default 50.
    pub failure_rate_threshold: f64,
    /// Opens when at least this share of calls was slow, in percent, above 0 and up to 100. Default 100.
    pub slow_call_rate_threshold: f64,
    /// A call that takes longer than this is slow. Default 60 s.
    #[serde(with = "duration_text")]
    pub slow_call_duration_threshold: Duration,
    /// With fewer results than this nothing is judged; at least 1. Default 100.
    /// A count window that is smaller lowers it to its size.
    pub minimum_number_of_calls: u32,
    /// What `sliding-window-size` counts. Default `COUNT_BASED`.
    pub sliding_window_type: WindowType,
    /// How many results are judged while closed; at least 1. Default 100.
    pub sliding_window_size: u32,
    /// How long an open breaker denies calls before it tries again; at least 1 ms. Default 60 s.
    #[serde(with = "duration_text")]
    pub wait_duration_in_open_state: Duration,
    /// Each time in a row that it opens, the wait is this many times longer; at least 1. Default 1: the wait stays.
    pub exponential_backoff_multiplier: f64,
    /// The longest that the wait may grow, if it grows. Default 1 h.
    #[serde(with = "duration_text")]
    pub exponential_max_wait_duration_in_open_state: Duration,
    /// How many calls pass on trial while half open; at least 1. Default 10.
    pub permitted_number_of_calls_in_half_open_state: u32,
    /// How long the trial may last without a decision. Default 0: for ever.
    #[serde(with = "duration_text")]
    pub max_wait_duration_in_half_open_state: Duration,
    /// What a trial that lasted too long leads to. Default `OPEN`.
    pub transition_to_state_after_wait_duration: AfterTrial,
}

/// What the window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum WindowType {
    /// The last calls, whatever their age.
    #[serde(rename = "COUNT_BASED")]
    CountBased,
}

/// Where a trial without a decision ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AfterTrial {
    /// Denies calls again.
    Open,
    /// Lets calls pass again.
    Closed,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            failure_rate_threshold: 50.0,
            slow_call_rate_threshold: 100.0,
            slow_call_duration_threshold: Duration::from_mins(1),
            minimum_number_of_calls: 100,
            sliding_window_type: WindowType::CountBased,
            sliding_window_size: 100,
            wait_duration_in_open_state: Duration::from_mins(1),
            exponential_backoff_multiplier: 1.0,
            exponential_max_wait_duration_in_open_state: Duration::from_hours(1),
            permitted_number_of_calls_in_half_open_state: 10,
            max_wait_duration_in_half_open_state: Duration::ZERO,
            transition_to_state_after_wait_duration: AfterTrial::Open,
        }
    }
}

impl BreakerConfig {
    /// Whether every value is in its range; if not, all that are not.
    pub fn validate(&self) -> Result<(), Mistakes> {
        let is_share = |percent: f64| percent > 0.0 && percent <= 100.0;
        let share = "above 0 and at most 100";
        let count = "at least 1";
        Check::default()
            .key("failure-rate-threshold", is_share(self.failure_rate_threshold), share)
            .key("slow-call-rate-threshold", is_share(self.slow_call_rate_threshold), share)
            .key("slow-call-duration-threshold", !self.slow_call_duration_threshold.is_zero(), "above 0")
            .key("minimum-number-of-calls", self.minimum_number_of_calls >= 1, count)
            .key("sliding-window-size", self.sliding_window_size >= 1, count)
            .key("wait-duration-in-open-state", self.wait_duration_in_open_state.as_millis() >= 1, "at least 1ms")
            .key("exponential-backoff-multiplier", self.exponential_backoff_multiplier >= 1.0, count)
            .key(
                "permitted-number-of-calls-in-half-open-state",
                self.permitted_number_of_calls_in_half_open_state >= 1,
                count,
            )
            .done()
    }

    /// How long the breaker stays open after it opened for the `attempt`th time in a row.
    pub(super) fn wait_in_open(&self, attempt: u32) -> Duration {
        let first = self.wait_duration_in_open_state;
        if self.exponential_backoff_multiplier <= 1.0 {
            return first;
        }
        let longest = self.exponential_max_wait_duration_in_open_state.max(first);
        let growth = self.exponential_backoff_multiplier.powf(f64::from(attempt.saturating_sub(1)));
        Duration::try_from_secs_f64(first.as_secs_f64() * growth).map_or(longest, |wait| wait.min(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_every_mistake_is_told() {
        assert_eq!(BreakerConfig::default().validate(), Ok(()));
        let wrong = BreakerConfig {
            failure_rate_threshold: 0.0,
            slow_call_rate_threshold: 100.1,
            slow_call_duration_threshold: Duration::ZERO,
            minimum_number_of_calls: 0,
            sliding_window_size: 0,
            wait_duration_in_open_state: Duration::from_micros(999),
            exponential_backoff_multiplier: f64::NAN,
            permitted_number_of_calls_in_half_open_state: 0,
            ..BreakerConfig::default()
        };
        let mistakes = wrong.validate().unwrap_err();
        assert_eq!(mistakes.lines().len(), 8, "{mistakes}");
        assert_eq!(mistakes.lines()[0], "failure-rate-threshold must be above 0 and at most 100");
    }

    #[test]
    fn it_is_read_by_its_keys_and_unknown_keys_are_refused() {
        let text = r#"{
            "failure_rate_threshold": 30,
            "sliding_window_type": "COUNT_BASED",
            "wait_duration_in_open_state": "10s",
            "max_wait_duration_in_half_open_state": 1500,
            "transition_to_state_after_wait_duration": "CLOSED"
        }"#;
        let read: BreakerConfig = serde_json::from_str(text).unwrap();
        let wanted = BreakerConfig {
            failure_rate_threshold: 30.0,
            wait_duration_in_open_state: Duration::from_secs(10),
            max_wait_duration_in_half_open_state: Duration::from_millis(1_500),
            transition_to_state_after_wait_duration: AfterTrial::Closed,
            ..BreakerConfig::default()
        };
        assert_eq!(read, wanted);
        assert!(serde_json::from_str::<BreakerConfig>(r#"{"failure_rate": 30}"#).is_err());
    }

    #[test]
    fn the_wait_stays_or_grows_up_to_its_maximum() {
        let fixed = BreakerConfig { wait_duration_in_open_state: Duration::from_hours(2), ..BreakerConfig::default() };
        assert_eq!(fixed.wait_in_open(50), Duration::from_hours(2));
        let growing = BreakerConfig { exponential_backoff_multiplier: 2.0, ..BreakerConfig::default() };
        let waits = [1, 2, 3, 7, u32::MAX].map(|attempt| growing.wait_in_open(attempt).as_secs());
        assert_eq!(waits, [60, 120, 240, 3_600, 3_600]);
    }
}
