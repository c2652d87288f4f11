//! Throttling of sign-ins: five failures are free, then each doubles the wait.

use std::{net::IpAddr, time::Duration};

use souk_values::Timestamp;

use crate::token;

const FREE_FAILURES: i64 = 5;
const MAX_WAIT: Duration = Duration::from_secs(15 * 60);
/// Time without failures after which earlier ones no longer count.
pub(crate) const RESET_AFTER: Duration = Duration::from_secs(3_600);

/// The failed sign-ins of one account from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) count: i64,
    /// Time before which further attempts are refused unchecked.
    pub(crate) blocked_until: Timestamp,
    pub(crate) last_failed_at: Timestamp,
}

impl Failures {
    /// Returns the time until the next attempt is allowed; `None` if it is allowed now.
    pub(crate) fn wait(&self, now: Timestamp) -> Option<Duration> {
        Some(self.blocked_until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// Adds a failure at `now` to those `before`, if they still count.
    pub(crate) fn with_another(before: Option<Self>, now: Timestamp) -> Self {
        let count = before
            .filter(|failures| now.since(failures.last_failed_at) < RESET_AFTER)
            .map_or(0, |failures| failures.count);
        let count = count.saturating_add(1);
        let blocked_for = match u32::try_from(count - FREE_FAILURES) {
            Ok(beyond) => MAX_WAIT.min(Duration::from_secs(2_u64.saturating_pow(beyond))),
            Err(_) => Duration::ZERO,
        };
        Self { count, blocked_until: now.plus(blocked_for), last_failed_at: now }
    }
}

/// Returns the key under which failures are counted: a hash of account and network.
pub(crate) fn key(account: &str, address: IpAddr) -> String {
    token::sha256_hex(&format!("{account}|{}", network(address)))
}

/// Returns the part of an address that a customer cannot change: of an IPv6 address only the /64, since a customer has a
/// whole one.
pub(crate) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_are_free_then_waits_double_up_to_fifteen_minutes() {
        let mut now = Timestamp::from_millis(1_000_000);
        let mut failures = None;
        let mut waits = Vec::new();
        for _ in 0..17 {
            let next = Failures::with_another(failures, now);
            waits.push(next.wait(now).map_or(0, |wait| wait.as_secs()));
            now = next.blocked_until;
            failures = Some(next);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        let after_quiet = Failures::with_another(failures, now.plus(RESET_AFTER));
        assert_eq!((after_quiet.count, after_quiet.wait(now.plus(RESET_AFTER))), (1, None));
    }

    #[test]
    fn keys_differ_by_account_and_network() {
        let of = |account: &str, address: &str| key(account, address.parse().unwrap());
        assert_ne!(of("a", "10.0.0.1"), of("a", "10.0.0.2"));
        assert_ne!(of("a", "10.0.0.1"), of("b", "10.0.0.1"));
        assert_eq!(of("a", "10.0.0.1"), of("a", "::ffff:10.0.0.1"));
        assert_eq!(of("a", "2001:db8:1:2::1"), of("a", "2001:db8:1:2:ffff::9"));
        assert_ne!(of("a", "2001:db8:1:2::1"), of("a", "2001:db8:1:3::1"));
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_the_maximum(count in 0_i64..i64::MAX, millis in 0_i64..4_000_000_000_000) {
            let now = Timestamp::from_millis(millis);
            let before = Failures { count, blocked_until: now, last_failed_at: now };
            let wait = Failures::with_another(Some(before), now).wait(now).unwrap_or_default();
            prop_assert!(wait <= MAX_WAIT);
        }
    }
}
