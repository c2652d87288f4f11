//! The pause of a consumer whose engine is unavailable, as readiness reports it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Duration of a pause above which readiness reports it. A lock that is busy for a moment does not take a service out of its
/// load balancer.
const REPORTED_AFTER: Duration = Duration::from_secs(5);

/// The current pause of a consumer. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Pause(Arc<Mutex<Option<Reason>>>);

#[derive(Debug)]
struct Reason {
    since: Instant,
    error: String,
}

impl Pause {
    /// Returns the error for which the consumer has paused for some seconds; `None` while it consumes.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let reason = self.0.lock();
        reason.as_ref().filter(|reason| reason.since.elapsed() >= REPORTED_AFTER).map(|reason| reason.error.clone())
    }

    /// Begins or continues a pause for `error`, or ends it.
    pub(super) fn set(&self, error: Option<&str>) {
        let mut reason = self.0.lock();
        let since = reason.as_ref().map(|reason| reason.since);
        *reason = error.map(|error| Reason { since: since.unwrap_or_else(Instant::now), error: error.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_pause_is_reported_with_its_latest_error() {
        let pause = Pause::default();
        pause.set(Some("first"));
        assert_eq!(pause.reason(), None, "it has only begun");
        let long_ago = Instant::now().checked_sub(REPORTED_AFTER);
        if let (Some(reason), Some(long_ago)) = (pause.0.lock().as_mut(), long_ago) {
            reason.since = long_ago;
        }
        pause.set(Some("second"));
        assert_eq!(pause.reason().as_deref(), Some("second"));
        pause.set(None);
        assert_eq!(pause.reason(), None);
        pause.set(Some("another pause"));
        assert_eq!(pause.reason(), None);
    }
}
