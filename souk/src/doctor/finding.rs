//! Findings of the doctor about one part of the shop, and the checks that they share.

use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;

/// Limit of one check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(3);
/// Deviation of a clock that is not worth a finding, in milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Part of the shop, such as `store of order` or `bus`.
    pub part: String,
    /// Address of the part, without user and password.
    pub address: String,
    pub state: State,
    #[serde(rename = "says")]
    pub message: String,
    /// Remedy; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Good,
    /// The shop works, but an operator should check this part.
    Warning,
    /// The shop does not work, or will stop working soon.
    Wrong,
}

impl State {
    /// Returns the word in the first column of the printed table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warn",
            Self::Wrong => "WRONG",
        }
    }
}

impl Finding {
    pub fn good(part: impl Into<String>, address: impl Into<String>, message: impl Into<String>) -> Self {
        Self { part: part.into(), address: address.into(), state: State::Good, message: message.into(), advice: None }
    }

    pub fn warning(part: impl Into<String>, address: impl Into<String>, message: impl Into<String>) -> Self {
        Self { state: State::Warning, ..Self::good(part, address, message) }
    }

    pub fn wrong(part: impl Into<String>, address: impl Into<String>, message: impl Into<String>) -> Self {
        Self { state: State::Wrong, ..Self::good(part, address, message) }
    }

    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// Returns the findings of `check`, or that it took too long.
pub async fn with_timeout(part: &str, address: &str, check: BoxFuture<'_, Vec<Finding>>) -> Vec<Finding> {
    // Real time: the operator waits at a terminal.
    tokio::time::timeout(CHECK_TIMEOUT, check).await.unwrap_or_else(|_| {
        let message = format!("gave no answer within {} s", CHECK_TIMEOUT.as_secs());
        let advice = "is it up, and is the way to it open? A firewall that drops what it should refuse looks like this";
        vec![Finding::wrong(part, address, message).with_advice(advice)]
    })
}

/// Returns true when a clock that is `ahead_ms` milliseconds ahead of this machine's is accurate enough.
pub fn clock_agrees(ahead_ms: i64) -> bool {
    ahead_ms.abs() <= CLOCK_TOLERANCE_MS
}

/// Returns a finding for a clock that is `ahead_ms` milliseconds ahead of this machine's; `None` if it agrees.
pub fn clock_deviation(part: &str, address: &str, ahead_ms: i64) -> Option<Finding> {
    let direction = if ahead_ms < 0 { "behind" } else { "ahead of" };
    let seconds = ahead_ms.abs() / 1_000;
    let millis = ahead_ms.abs() % 1_000;
    let message = format!("its clock is {seconds}.{millis:03} s {direction} ours");
    let advice = "let NTP set the clocks of all machines: deadlines and the expiry of tokens depend on them";
    match ahead_ms.abs() {
        _ if clock_agrees(ahead_ms) => None,
        ..=10_000 => Some(Finding::warning(part, address, message).with_advice(advice)),
        _ => Some(Finding::wrong(part, address, message).with_advice(advice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_deviate_a_little() {
        assert_eq!(clock_deviation("x", "", -2_000), None);
        let behind = clock_deviation("x", "", -2_500).unwrap();
        assert_eq!((behind.state, behind.message.as_str()), (State::Warning, "its clock is 2.500 s behind ours"));
        let ahead = clock_deviation("x", "", 3_600_001).unwrap();
        assert_eq!((ahead.state, ahead.message.as_str()), (State::Wrong, "its clock is 3600.001 s ahead of ours"));
    }
}
