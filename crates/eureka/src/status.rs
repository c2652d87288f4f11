//! The status of an instance.

use std::{fmt, str::FromStr};

/// Status of an instance. Only `Up` receives requests.
///
/// Declared in the order of the names, in which the hash code of a registry lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceStatus {
    /// `DOWN`: its health check fails, or it is shutting down.
    Down,
    /// `OUT_OF_SERVICE`: taken out by an operator.
    OutOfService,
    /// `STARTING`: not ready for requests yet.
    Starting,
    /// `UNKNOWN`: not reported. As an override: none is set.
    Unknown,
    /// `UP`: ready for requests.
    Up,
}

/// A text that is not the name of a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a status; use UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN")]
pub struct UnknownStatus(pub String);

impl InstanceStatus {
    /// All statuses, in the order of their names.
    pub const ALL: [Self; 5] = [Self::Down, Self::OutOfService, Self::Starting, Self::Unknown, Self::Up];

    /// Returns the name in the protocol, such as `OUT_OF_SERVICE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::OutOfService => "OUT_OF_SERVICE",
            Self::Starting => "STARTING",
            Self::Unknown => "UNKNOWN",
            Self::Up => "UP",
        }
    }
}

impl fmt::Display for InstanceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for InstanceStatus {
    type Err = UnknownStatus;

    /// Parses a name, in upper case only.
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let found = Self::ALL.into_iter().find(|status| status.name() == text);
        found.ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}
