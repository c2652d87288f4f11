//! How many heartbeats arrive, and how many are enough.

use std::time::Duration;

use souk_values::Timestamp;

use super::Rules;

const MINUTE_MS: i64 = 60_000;

/// How the heartbeats stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Those of the last complete minute.
    pub last_minute: u64,
    /// More than these are enough.
    pub threshold: u64,
    /// Whether expired instances are evicted now.
    pub evicts: bool,
}

/// Counts heartbeats in minutes since the start.
#[derive(Debug)]
pub(super) struct Renewals {
    began: Timestamp,
    minute: i64,
    current: u64,
    last: u64,
    /// How many clients are expected to renew.
    expected: usize,
}

impl Renewals {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { began: now, minute: 0, current: 0, last: 0, expected: 0 }
    }

    pub(super) fn count(&mut self, now: Timestamp) {
        self.turn(now);
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

    /// Expects as many as there are, unless so many are gone that the network may be to blame.
    pub(super) fn recount(&mut self, clients: usize, rules: &Rules) {
        if !rules.preserves_itself || clients > share(self.expected, rules.renewal_share) {
            self.expected = clients;
        }
    }

    pub(super) fn health(&mut self, rules: &Rules, now: Timestamp) -> Health {
        self.turn(now);
        let per_minute = 60.0 / f64::from(rules.renewal_interval_secs.max(1));
        let threshold = share(self.expected, per_minute * rules.renewal_share);
        let threshold = u64::try_from(threshold).unwrap_or(u64::MAX);
        let evicts = !rules.preserves_itself || (threshold > 0 && self.last > threshold);
        Health { last_minute: self.last, threshold, evicts }
    }

    /// Closes the minutes that have passed.
    fn turn(&mut self, now: Timestamp) {
        let minute = (now.millis() - self.began.millis()).div_euclid(MINUTE_MS);
        if minute > self.minute {
            self.last = if minute == self.minute + 1 { self.current } else { 0 };
            self.current = 0;
            self.minute = minute;
        }
    }
}

/// `count` times `share`, rounded down.
pub(super) fn share(count: usize, share: f64) -> usize {
    // A duration is what turns a fraction into an integer without a cast; it fails for what is no sane share.
    let seconds = f64::from(u32::try_from(count).unwrap_or(u32::MAX)) * share;
    Duration::try_from_secs_f64(seconds).map_or(0, |time| usize::try_from(time.as_secs()).unwrap_or(usize::MAX))
}
