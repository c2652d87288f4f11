//! The states of a breaker and which may follow which.

use std::fmt;

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls pass and are judged.
    Closed,
    /// Calls are denied until the wait is over.
    Open,
    /// A few calls pass on trial; their results decide what comes next.
    HalfOpen,
    /// Calls pass and nothing is recorded. Set by hand.
    Disabled,
    /// Calls are denied until it is lifted by hand.
    ForcedOpen,
    /// Calls pass and are recorded, but the breaker never opens. Set by hand.
    MetricsOnly,
}

impl State {
    /// All six.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::Disabled, Self::ForcedOpen, Self::MetricsOnly];

    /// As the actuator writes it, such as `HALF_OPEN`. `Display` writes the same.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "CLOSED",
            Self::Open => "OPEN",
            Self::HalfOpen => "HALF_OPEN",
            Self::Disabled => "DISABLED",
            Self::ForcedOpen => "FORCED_OPEN",
            Self::MetricsOnly => "METRICS_ONLY",
        }
    }

    /// As the metrics write it, such as `half_open`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Disabled => "disabled",
            Self::ForcedOpen => "forced_open",
            Self::MetricsOnly => "metrics_only",
        }
    }

    /// Whether results of calls are recorded.
    pub(super) fn records(self) -> bool {
        !matches!(self, Self::Disabled | Self::ForcedOpen)
    }

    /// Whether a breaker in this state may be put into `next`. A state may follow itself.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        !matches!((self, next), (Self::Closed | Self::MetricsOnly, Self::HalfOpen) | (Self::MetricsOnly, Self::Open))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A change of state that makes no sense, such as CLOSED to `HALF_OPEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a circuit breaker cannot go from {from} to {to}")]
pub struct IllegalTransition {
    /// The state that it is in, and stays in.
    pub from: State,
    /// The state that was asked for.
    pub to: State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_changes_are_illegal_and_all_others_legal() {
        let illegal: Vec<_> = State::ALL
            .into_iter()
            .flat_map(|from| State::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| !from.may_become(*to))
            .collect();
        assert_eq!(
            illegal,
            [
                (State::Closed, State::HalfOpen),
                (State::MetricsOnly, State::Open),
                (State::MetricsOnly, State::HalfOpen)
            ]
        );
    }

    #[test]
    fn a_label_is_the_name_in_lower_case() {
        for state in State::ALL {
            assert_eq!(state.label(), state.name().to_lowercase());
        }
    }
}
