//! What the doctor says of one part of the shop.

use serde::Serialize;

/// Of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `store of order`, `bus`.
    pub part: String,
    /// Where it is, without user and password.
    pub address: String,
    /// How it is.
    pub state: State,
    /// In words.
    pub says: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Good,
    /// The shop works; somebody should look.
    Warning,
    /// The shop does not work, or not for long.
    Wrong,
}

impl State {
    /// For the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "look",
            Self::Wrong => "WRONG",
        }
    }
}

impl Finding {
    /// A part that is as it should be.
    pub fn good(part: impl Into<String>, address: impl Into<String>, says: impl Into<String>) -> Self {
        let (part, address, says) = (part.into(), address.into(), says.into());
        Self { part, address, state: State::Good, says, advice: None }
    }

    /// A part that somebody should look at.
    pub fn warning(part: impl Into<String>, address: impl Into<String>, says: impl Into<String>) -> Self {
        Self { state: State::Warning, ..Self::good(part, address, says) }
    }

    /// A part that is wrong.
    pub fn wrong(part: impl Into<String>, address: impl Into<String>, says: impl Into<String>) -> Self {
        Self { state: State::Wrong, ..Self::good(part, address, says) }
    }

    /// The same with what to do about it.
    pub fn advising(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// Whether a clock that is `ahead_ms` milliseconds ahead of ours is right enough.
pub fn agrees(ahead_ms: i64) -> bool {
    ahead_ms.abs() <= 2_000
}

/// A clock that is `ahead_ms` milliseconds ahead of ours.
pub fn of_clock(part: &str, address: &str, ahead_ms: i64) -> Option<Finding> {
    let advice = "let NTP set the clocks of all machines; terms, tokens and their ends are told by them";
    let says = format!("its clock is {}.{:03} s {} ours", ahead_ms.abs() / 1_000, ahead_ms.abs() % 1_000, {
        if ahead_ms < 0 { "behind" } else { "ahead of" }
    });
    match ahead_ms.abs() {
        _ if agrees(ahead_ms) => None,
        ..=10_000 => Some(Finding::warning(part, address, says).advising(advice)),
        _ => Some(Finding::wrong(part, address, says).advising(advice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_off() {
        assert_eq!(of_clock("x", "", -2_000), None);
        let behind = of_clock("x", "", -2_500).unwrap();
        assert_eq!((behind.state, behind.says.as_str()), (State::Warning, "its clock is 2.500 s behind ours"));
        let ahead = of_clock("x", "", 3_600_001).unwrap();
        assert_eq!((ahead.state, ahead.says.as_str()), (State::Wrong, "its clock is 3600.001 s ahead of ours"));
    }
}
