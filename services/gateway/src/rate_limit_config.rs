//! The configuration section `gateway.rate-limit`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_resilience::Rate;

/// Limits of requests, as token buckets in Spring Cloud Gateway's terms.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimitConfig {
    /// False for load tests: no request is limited. True by default.
    pub enabled: bool,
    /// Size and speed of a network's bucket (IPv4 /24, IPv6 /64), as a multiple of an address's; 4 by default.
    pub network_factor: u32,
    /// Requests of one address; by default 50 a second, 100 at once.
    pub address: BucketConfig,
    /// Requests of one user, whatever the address; by default 20 a second, 60 at once.
    pub user: BucketConfig,
    /// Requests of one address to sign in or out, to refresh tokens, or to become a guest; by default 5 a second, 20 at once.
    pub entry: BucketConfig,
    /// Requests of one address that mail somebody who need not be known: registrations and forgotten passwords; by default
    /// one in 30 seconds, 20 at once.
    pub mail: BucketConfig,
}

/// One kind of token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BucketConfig {
    /// Tokens that are added per second.
    pub replenish_rate: u32,
    /// Tokens in a full bucket.
    pub burst_capacity: u32,
    /// Tokens that a request takes; 1 by default.
    #[serde(default = "one")]
    pub requested_tokens: u32,
}

fn one() -> u32 {
    1
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        let bucket = |replenish_rate, burst_capacity, requested_tokens| BucketConfig {
            replenish_rate,
            burst_capacity,
            requested_tokens,
        };
        Self {
            enabled: true,
            network_factor: 4,
            address: bucket(50, 100, 1),
            user: bucket(20, 60, 1),
            entry: bucket(5, 20, 1),
            mail: bucket(1, 600, 30),
        }
    }
}

impl BucketConfig {
    /// Returns a bucket `factor` times as large and as fast.
    pub(crate) fn times(self, factor: u32) -> Self {
        Self {
            replenish_rate: self.replenish_rate.saturating_mul(factor),
            burst_capacity: self.burst_capacity.saturating_mul(factor),
            ..self
        }
    }

    /// Returns the bucket counted in requests.
    pub(crate) fn rate(self) -> Rate {
        let requested = self.requested_tokens.max(1);
        let micros = u64::from(requested).saturating_mul(1_000_000) / u64::from(self.replenish_rate.max(1));
        Rate { burst: self.burst_capacity / requested, every: Duration::from_micros(micros) }
    }
}

impl RateLimitConfig {
    /// Returns every mistake, with its key below `gateway.`.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let buckets = [("address", self.address), ("user", self.user), ("entry", self.entry), ("mail", self.mail)];
        let mut mistakes = Vec::new();
        for (name, bucket) in buckets {
            let key = format!("gateway.rate-limit.{name}");
            if bucket.replenish_rate == 0 {
                mistakes.push(format!("{key}.replenish-rate must be at least 1"));
            }
            if bucket.requested_tokens == 0 {
                mistakes.push(format!("{key}.requested-tokens must be at least 1"));
            }
            if bucket.burst_capacity < bucket.requested_tokens.max(1) {
                mistakes.push(format!("{key}.burst-capacity must not be less than requested-tokens"));
            }
        }
        if self.network_factor == 0 {
            mistakes.push("gateway.rate-limit.network-factor must be at least 1".to_owned());
        }
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_counted_in_requests() {
        let config = RateLimitConfig::default();
        assert_eq!(config.address.rate(), Rate { burst: 100, every: Duration::from_millis(20) });
        assert_eq!(config.mail.rate(), Rate { burst: 20, every: Duration::from_secs(30) });
        assert_eq!(config.entry.times(4).rate(), Rate { burst: 80, every: Duration::from_millis(50) });
        assert!(config.mistakes().is_empty());
    }

    #[test]
    fn every_mistake_is_named() {
        let none = BucketConfig { replenish_rate: 0, burst_capacity: 0, requested_tokens: 0 };
        let config = RateLimitConfig { network_factor: 0, entry: none, ..RateLimitConfig::default() };
        assert_eq!(config.mistakes().len(), 4);
    }
}
