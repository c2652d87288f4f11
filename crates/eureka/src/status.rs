//! What an instance says of itself.

use std::{fmt, str::FromStr};

/// Whether an instance takes requests. Ordered by name, as the hash of a registry lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceStatus {
    /// It does not.
    Down,
    /// A person took it out.
    OutOfService,
    /// Not yet.
    Starting,
    /// Nobody knows; as an override: there is none.
    Unknown,
    /// It does.
    Up,
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no status; it is one of UP, DOWN, STARTING, OUT_OF_SERVICE, UNKNOWN")]
pub struct UnknownStatus(pub String);

impl InstanceStatus {
    /// `OUT_OF_SERVICE`.
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

    /// Exact names only.
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        [Self::Down, Self::OutOfService, Self::Starting, Self::Unknown, Self::Up]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}
