//! The number of heartbeats: how many arrive and how many are enough for eviction.

use std::time::Duration;

use souk_values::Timestamp;

use super::Rules;

const MINUTE_MS: i64 = 60_000;

/// Heartbeats in relation to the threshold of self-preservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RenewalStats {
    /// Heartbeats in the latest complete minute.
    pub last_minute: u64,
    /// Heartbeats per minute that must be exceeded.
    pub threshold: u64,
    /// True if expired instances may be evicted now.
    pub allows_eviction: bool,
}

/// Counts heartbeats in whole minutes since the start.
#[derive(Debug)]
pub(super) struct Renewals {
    started_at: Timestamp,
    minute: i64,
    current: u64,
    last: u64,
    /// Number of clients that are expected to renew.
    expected: usize,
}

impl Renewals {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { started_at: now, minute: 0, current: 0, last: 0, expected: 0 }
    }

    pub(super) fn record(&mut self, now: Timestamp) {
        self.close_past_minutes(now);
        self.current += 1;
    }

    pub(super) fn expect_one_more(&mut self) {
        self.expected = self.expected.saturating_add(1);
    }

    pub(super) fn expect_one_less(&mut self) {
        self.expected = self.expected.saturating_sub(1);
    }

    pub(super) fn expect(&mut self, clients: usize) {
        self.expected = clients;
    }

    /// Expects as many clients as are registered, unless so many have disappeared that the network may be the cause.
    pub(super) fn update_expected(&mut self, clients: usize, rules: &Rules) {
        if !rules.self_preservation || clients > share(self.expected, rules.renewal_share) {
            self.expected = clients;
        }
    }

    pub(super) fn stats(&mut self, rules: &Rules, now: Timestamp) -> RenewalStats {
        self.close_past_minutes(now);
        let per_minute = 60.0 / f64::from(rules.renewal_interval_secs.max(1));
        let threshold = share(self.expected, per_minute * rules.renewal_share);
        let threshold = u64::try_from(threshold).unwrap_or(u64::MAX);
        let allows_eviction = !rules.self_preservation || (threshold > 0 && self.last > threshold);
        RenewalStats { last_minute: self.last, threshold, allows_eviction }
    }

    fn close_past_minutes(&mut self, now: Timestamp) {
        let minute = (now.millis() - self.started_at.millis()).div_euclid(MINUTE_MS);
        if minute > self.minute {
            self.last = if minute == self.minute + 1 { self.current } else { 0 };
            self.current = 0;
            self.minute = minute;
        }
    }
}

/// Returns `count * share`, rounded down; 0 if that is negative or not a number.
pub(super) fn share(count: usize, share: f64) -> usize {
    // Converting by way of a duration avoids a lossy `as`.
    let seconds = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * share;
    Duration::try_from_secs_f64(seconds).map_or(0, |time| usize::try_from(time.as_secs()).unwrap_or(usize::MAX))
}
