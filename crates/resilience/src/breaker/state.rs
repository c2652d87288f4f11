//! The states of a circuit breaker and the legal transitions between them.

use std::fmt;

/// The state of a circuit breaker, as in Resilience4j.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Permits and records all calls.
    Closed,
    /// Denies all calls until the wait is over.
    Open,
    /// Permits a few trial calls, whose results decide on the next state.
    HalfOpen,
    /// Permits all calls and records none, until an operator changes the state.
    Disabled,
    /// Denies all calls until an operator changes the state.
    ForcedOpen,
    /// Permits and records all calls and never opens, until an operator changes the state.
    MetricsOnly,
}

impl State {
    /// All six states.
    pub const ALL: [Self; 6] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::Disabled, Self::ForcedOpen, Self::MetricsOnly];

    /// Returns the name in the actuator's responses, such as `HALF_OPEN`. `Display` writes the same.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.name_and_label().0
    }

    /// Returns the value of the metric label `state`, such as `half_open`.
    #[must_use]
    pub fn label(self) -> &'static str {
        self.name_and_label().1
    }

    fn name_and_label(self) -> (&'static str, &'static str) {
        match self {
            Self::Closed => ("CLOSED", "closed"),
            Self::Open => ("OPEN", "open"),
            Self::HalfOpen => ("HALF_OPEN", "half_open"),
            Self::Disabled => ("DISABLED", "disabled"),
            Self::ForcedOpen => ("FORCED_OPEN", "forced_open"),
            Self::MetricsOnly => ("METRICS_ONLY", "metrics_only"),
        }
    }

    /// Returns true if the breaker records results of calls in this state.
    pub(super) fn records(self) -> bool {
        !matches!(self, Self::Disabled | Self::ForcedOpen)
    }

    /// Returns true if an operator may transition a breaker from this state to `next`, which may be the same state.
    #[must_use]
    pub fn can_transition_to(self, next: Self) -> bool {
        !matches!((self, next), (Self::Closed | Self::MetricsOnly, Self::HalfOpen) | (Self::MetricsOnly, Self::Open))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A requested transition that is not allowed, such as CLOSED to `HALF_OPEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a circuit breaker cannot go from {from} to {to}")]
pub struct IllegalTransition {
    /// Current state, which does not change.
    pub from: State,
    /// Requested state.
    pub to: State,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_transitions_are_illegal_and_all_others_legal() {
        let illegal: Vec<_> = State::ALL
            .into_iter()
            .flat_map(|from| State::ALL.into_iter().map(move |to| (from, to)))
            .filter(|(from, to)| !from.can_transition_to(*to))
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
