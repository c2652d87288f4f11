//! Configuration of a circuit breaker, with the keys and defaults of Resilience4j.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    config_errors::{ConfigErrors, Validation},
    duration_text,
};

/// Configuration of one circuit breaker. Durations have the forms of [`duration_text`].
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failure rate in percent at which the breaker opens, above 0 and up to 100. Default 50.
    pub failure_rate_threshold: f64,
    /// Slow call rate in percent at which the breaker opens, above 0 and up to 100. Default 100.
    pub slow_call_rate_threshold: f64,
    /// Duration above which a call is slow. Default 60 s.
    #[serde(with = "duration_text")]
    pub slow_call_duration_threshold: Duration,
    /// Number of calls in the window below which the rates are not evaluated, at least 1. Default 100. Lowered to the size
    /// of a smaller window of calls.
    pub minimum_number_of_calls: u32,
    /// Unit of `sliding-window-size`. Default `COUNT_BASED`.
    pub sliding_window_type: WindowType,
    /// Size of the window in the state CLOSED, in calls or seconds, at least 1. Default 100.
    pub sliding_window_size: u32,
    /// Time that the breaker stays OPEN before it permits trial calls, at least 1 ms. Default 60 s.
    #[serde(with = "duration_text")]
    pub wait_duration_in_open_state: Duration,
    /// Factor by which the wait grows with each consecutive transition to OPEN, at least 1. Default 1, a constant wait.
    pub exponential_backoff_multiplier: f64,
    /// Upper limit of a growing wait. Default 1 h.
    #[serde(with = "duration_text")]
    pub exponential_max_wait_duration_in_open_state: Duration,
    /// Number of trial calls in the state `HALF_OPEN`, at least 1. Default 10.
    pub permitted_number_of_calls_in_half_open_state: u32,
    /// Maximum time in the state `HALF_OPEN`; 0 for no limit. Default 0.
    #[serde(with = "duration_text")]
    pub max_wait_duration_in_half_open_state: Duration,
    /// State that follows once the maximum time in `HALF_OPEN` has passed. Default `OPEN`.
    pub transition_to_state_after_wait_duration: StateAfterWait,
    /// True for the state `HALF_OPEN` as soon as the wait is over, for all who look, rather than from the next call on.
    /// Default false.
    pub automatic_transition_from_open_to_half_open_enabled: bool,
}

/// The unit of a window's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum WindowType {
    /// The last calls, regardless of their age.
    #[serde(rename = "COUNT_BASED")]
    CountBased,
    /// The calls of the last seconds, whatever their number.
    #[serde(rename = "TIME_BASED")]
    TimeBased,
}

/// The state that follows on a `HALF_OPEN` state that lasted too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StateAfterWait {
    /// Back to denying calls.
    Open,
    /// Back to permitting all calls.
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
            transition_to_state_after_wait_duration: StateAfterWait::Open,
            automatic_transition_from_open_to_half_open_enabled: false,
        }
    }
}

impl BreakerConfig {
    /// Checks the ranges of all values. Errors: all values that are out of range.
    pub fn validate(&self) -> Result<(), ConfigErrors> {
        let is_share = |percent: f64| percent > 0.0 && percent <= 100.0;
        let share = "above 0 and at most 100";
        let count = "at least 1";
        Validation::default()
            .require("failure-rate-threshold", is_share(self.failure_rate_threshold), share)
            .require("slow-call-rate-threshold", is_share(self.slow_call_rate_threshold), share)
            .require("slow-call-duration-threshold", !self.slow_call_duration_threshold.is_zero(), "above 0")
            .require("minimum-number-of-calls", self.minimum_number_of_calls >= 1, count)
            .require("sliding-window-size", self.sliding_window_size >= 1, count)
            .require("wait-duration-in-open-state", self.wait_duration_in_open_state.as_millis() >= 1, "at least 1ms")
            .require("exponential-backoff-multiplier", self.exponential_backoff_multiplier >= 1.0, count)
            .require(
                "permitted-number-of-calls-in-half-open-state",
                self.permitted_number_of_calls_in_half_open_state >= 1,
                count,
            )
            .finish()
    }

    /// Returns the time to stay OPEN after the `attempt`th consecutive transition to OPEN.
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
    fn the_defaults_are_valid_and_all_invalid_values_are_reported() {
        assert_eq!(BreakerConfig::default().validate(), Ok(()));
        let invalid = BreakerConfig {
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
        let errors = invalid.validate().unwrap_err();
        assert_eq!(errors.lines().len(), 8, "{errors}");
        assert_eq!(errors.lines()[0], "failure-rate-threshold must be above 0 and at most 100");
    }

    #[test]
    fn it_deserializes_by_its_keys_and_rejects_unknown_ones() {
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
            transition_to_state_after_wait_duration: StateAfterWait::Closed,
            ..BreakerConfig::default()
        };
        assert_eq!(read, wanted);
        assert!(serde_json::from_str::<BreakerConfig>(r#"{"failure_rate": 30}"#).is_err());
    }

    #[test]
    fn the_wait_is_constant_or_grows_up_to_its_maximum() {
        let fixed = BreakerConfig { wait_duration_in_open_state: Duration::from_hours(2), ..BreakerConfig::default() };
        assert_eq!(fixed.wait_in_open(50), Duration::from_hours(2));
        let growing = BreakerConfig { exponential_backoff_multiplier: 2.0, ..BreakerConfig::default() };
        let waits = [1, 2, 3, 7, u32::MAX].map(|attempt| growing.wait_in_open(attempt).as_secs());
        assert_eq!(waits, [60, 120, 240, 3_600, 3_600]);
    }
}
