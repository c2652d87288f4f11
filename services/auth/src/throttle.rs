//! How failed sign-ins slow down further ones: five are free, then each doubles the wait.

use std::{net::IpAddr, time::Duration};

use sha2::{Digest, Sha256};
use souk_values::Timestamp;

/// Failures that cost nothing.
const FREE: i64 = 5;
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After so much quiet, failures are forgotten.
pub const QUIET: Duration = Duration::from_secs(3_600);

/// The failed sign-ins of one account from one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: i64,
    /// Until when no further try is looked at.
    pub blocked_until: Timestamp,
    /// When the last was.
    pub last_at: Timestamp,
}

impl Failures {
    /// How long the next try has to wait; `None`: not at all.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        Some(self.blocked_until.since(now)).filter(|wait| !wait.is_zero())
    }

    /// These, or none, and one more at `now`. Failures before a long quiet no longer count.
    pub fn and_one_more(before: Option<Self>, now: Timestamp) -> Self {
        let count = before.filter(|failures| now.since(failures.last_at) < QUIET).map_or(0, |failures| failures.count);
        let count = count.saturating_add(1);
        let blocked_for = match u32::try_from(count - FREE) {
            Ok(beyond) => LONGEST.min(Duration::from_secs(2_u64.saturating_pow(beyond))),
            Err(_) => Duration::ZERO,
        };
        Self { count, blocked_until: now.plus(blocked_for), last_at: now }
    }
}

/// What failures are counted by: a hash of the account and the address. An IPv6 customer has a whole
/// /64, so that is what counts.
pub fn key(account: &str, address: IpAddr) -> String {
    let network = match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    };
    crate::session::hex(&Sha256::digest(format!("{account}|{network}")))
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
            let next = Failures::and_one_more(failures, now);
            waits.push(next.wait(now).map_or(0, |wait| wait.as_secs()));
            now = next.blocked_until;
            failures = Some(next);
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        let after_quiet = Failures::and_one_more(failures, now.plus(QUIET));
        assert_eq!((after_quiet.count, after_quiet.wait(now.plus(QUIET))), (1, None));
    }

    #[test]
    fn keys_tell_accounts_and_networks_apart() {
        let of = |account: &str, address: &str| key(account, address.parse().unwrap());
        assert_ne!(of("a", "10.0.0.1"), of("a", "10.0.0.2"));
        assert_ne!(of("a", "10.0.0.1"), of("b", "10.0.0.1"));
        assert_eq!(of("a", "10.0.0.1"), of("a", "::ffff:10.0.0.1"));
        assert_eq!(of("a", "2001:db8:1:2::1"), of("a", "2001:db8:1:2:ffff::9"));
        assert_ne!(of("a", "2001:db8:1:2::1"), of("a", "2001:db8:1:3::1"));
    }

    proptest! {
        #[test]
        fn no_count_waits_longer_than_the_longest(count in 0_i64..i64::MAX, millis in 0_i64..4_000_000_000_000) {
            let now = Timestamp::from_millis(millis);
            let before = Failures { count, blocked_until: now, last_at: now };
            let wait = Failures::and_one_more(Some(before), now).wait(now).unwrap_or_default();
            prop_assert!(wait <= LONGEST);
        }
    }
}
