//! The lease of a registration.

use std::time::Duration;

use souk_eureka::{InstanceInfo, InstanceStatus, LeaseInfo};
use souk_values::Timestamp;

/// Duration of a lease that an instance did not choose, in seconds.
const DEFAULT_SECONDS: u64 = 90;

/// A lease. [`Timestamp::EPOCH`] stands for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pub registered_at: Timestamp,
    pub renewed_at: Timestamp,
    /// Time until expiry, counted from the latest renewal.
    pub duration: Duration,
    /// Time at which the instance was first up.
    pub up_at: Timestamp,
    pub evicted_at: Timestamp,
}

impl Lease {
    /// Starts a lease of the duration that `info` requests.
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

    pub fn expires_at(&self) -> Timestamp {
        self.renewed_at.plus(self.duration)
    }

    /// Returns true if the lease expired more than `late` ago; the delay of a late eviction pass is not the instance's
    /// fault.
    pub fn is_expired(&self, now: Timestamp, late: Duration) -> bool {
        now > self.expires_at().plus(late)
    }

    /// Records the time at which the instance is first up.
    pub fn record_status(&mut self, status: InstanceStatus, now: Timestamp) {
        if status == InstanceStatus::Up && self.up_at == Timestamp::EPOCH {
            self.up_at = now;
        }
    }

    /// Returns `info` with the times of this lease.
    pub fn apply_to(&self, info: &InstanceInfo) -> InstanceInfo {
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
