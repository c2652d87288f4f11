//! How long a registration lasts.

use std::time::Duration;

use souk_eureka::{InstanceInfo, InstanceStatus, LeaseInfo};
use souk_values::Timestamp;

/// What holds when an instance does not say.
const DEFAULT_SECONDS: u64 = 90;

/// A registration's time. 1970: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// When it began.
    pub registered_at: Timestamp,
    /// When the instance was last heard of.
    pub renewed_at: Timestamp,
    /// How long it lasts after that.
    pub duration: Duration,
    /// When the instance was first up.
    pub up_at: Timestamp,
    /// When it was evicted.
    pub evicted_at: Timestamp,
}

impl Lease {
    /// One that begins now.
    #[must_use]
    pub fn new(info: &InstanceInfo, now: Timestamp) -> Self {
        let seconds = u64::try_from(info.lease.duration_secs).ok().filter(|seconds| *seconds > 0);
        Self {
            registered_at: now,
            renewed_at: now,
            duration: Duration::from_secs(seconds.unwrap_or(DEFAULT_SECONDS)),
            up_at: Timestamp::EPOCH,
            evicted_at: Timestamp::EPOCH,
        }
    }

    /// When it ends, unless it is renewed.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.renewed_at.plus(self.duration)
    }

    /// Whether it has ended for `late` already: what a late timer missed is not the instance's fault.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp, late: Duration) -> bool {
        now > self.expires_at().plus(late)
    }

    /// Keeps when the instance was first up.
    pub fn note_status(&mut self, status: InstanceStatus, now: Timestamp) {
        if status == InstanceStatus::Up && self.up_at == Timestamp::EPOCH {
            self.up_at = now;
        }
    }

    /// `info` as readers see it, with this lease.
    #[must_use]
    pub fn shown_in(&self, info: &InstanceInfo) -> InstanceInfo {
        let lease = LeaseInfo {
            registered_at: self.registered_at.millis(),
            renewed_at: self.renewed_at.millis(),
            evicted_at: self.evicted_at.millis(),
            up_at: self.up_at.millis(),
            ..info.lease
        };
        InstanceInfo { lease, ..info.clone() }
    }
}
