//! Limits on requests: token buckets by address, by network and by user.
//!
//! They are kept in Redis, for all gateways together, or in memory: without a Redis, and while it does not answer. So its
//! failure neither refuses everybody nor lets anybody do as they please.

mod shared;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use souk_resilience::{Limited, RateLimiter};
use souk_values::{Clock, UserId};

use crate::{
    metrics,
    rate_limit_config::{BucketConfig, RateLimitConfig},
};

pub(crate) use shared::SharedBuckets;

// Names of the kinds of buckets in metrics and in Redis: those of an address and its network by class, and of a user.
const ORDINARY: [&str; 2] = ["address", "network"];
const ENTRY: [&str; 2] = ["entry_address", "entry_network"];
const MAIL: [&str; 2] = ["mail_address", "mail_network"];
const USER: &str = "user";

/// Returns the names of all kinds of buckets.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    [ORDINARY, ENTRY, MAIL].into_iter().flatten().chain([USER])
}

/// Limit of buckets of one kind that are kept in memory.
const CAPACITY: usize = 50_000;

const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const BURST_CAPACITY: HeaderName = HeaderName::from_static("x-ratelimit-burst-capacity");
const REPLENISH_RATE: HeaderName = HeaderName::from_static("x-ratelimit-replenish-rate");
const REQUESTED_TOKENS: HeaderName = HeaderName::from_static("x-ratelimit-requested-tokens");

/// Kind of a request: which buckets it is taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RateClass {
    /// Not limited: files and pictures.
    None,
    /// Most requests.
    #[default]
    Ordinary,
    /// Anonymous requests for tokens.
    Entry,
    /// Anonymous requests that mail somebody.
    Mail,
}

/// The bucket that has the fewest requests left after one was taken or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// Tokens that are left.
    pub remaining: u32,
    pub bucket: BucketConfig,
}

/// A request was refused. Nothing was taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    pub retry_after: Duration,
    pub quota: Quota,
}

/// The owner of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    Address(IpAddr),
    Network(IpAddr),
    User(UserId),
}

/// Buckets of one kind.
#[derive(Debug)]
struct Buckets {
    /// Name in metrics and in Redis.
    name: &'static str,
    config: BucketConfig,
    in_memory: RateLimiter<Subject>,
}

#[derive(Debug)]
struct PerAddress {
    addresses: Buckets,
    networks: Buckets,
}

#[derive(Debug)]
pub(crate) struct Limits {
    ordinary: PerAddress,
    entry: PerAddress,
    mail: PerAddress,
    users: Buckets,
    clock: Arc<dyn Clock>,
    shared: Option<Arc<SharedBuckets>>,
}

impl Limits {
    /// Returns full buckets; `None` if the configuration switches limits off.
    pub fn new(config: &RateLimitConfig, shared: Option<Arc<SharedBuckets>>, clock: &Arc<dyn Clock>) -> Option<Self> {
        let buckets = |name, config: BucketConfig| Buckets {
            name,
            config,
            in_memory: RateLimiter::new(config.rate(), CAPACITY, Arc::clone(clock)),
        };
        let per_address = |[address, network]: [&'static str; 2], config: BucketConfig, factor| PerAddress {
            addresses: buckets(address, config),
            networks: buckets(network, config.times(factor)),
        };
        let factor = config.network_factor;
        config.enabled.then(|| Self {
            ordinary: per_address(ORDINARY, config.address, factor),
            entry: per_address(ENTRY, config.entry, factor),
            mail: per_address(MAIL, config.mail, factor),
            users: buckets(USER, config.user),
            clock: Arc::clone(clock),
            shared,
        })
    }

    /// Takes a request of `address` from its buckets, and from those of `user`, who has sent a valid token. Returns `None`
    /// for a class without limits.
    pub async fn take(
        &self,
        class: RateClass,
        address: IpAddr,
        user: Option<UserId>,
    ) -> Result<Option<Quota>, Exceeded> {
        let of_class = match class {
            RateClass::None => return Ok(None),
            RateClass::Ordinary => &self.ordinary,
            RateClass::Entry => &self.entry,
            RateClass::Mail => &self.mail,
        };
        let address = address.to_canonical();
        let mut demand = vec![
            (&of_class.addresses, Subject::Address(address)),
            (&of_class.networks, Subject::Network(network(address))),
        ];
        demand.extend(user.map(|user| (&self.users, Subject::User(user))));
        let shared = match &self.shared {
            Some(shared) => shared.take(&demand, &*self.clock).await,
            None => None,
        };
        shared.unwrap_or_else(|| take_in_memory(&demand)).map(Some)
    }
}

/// Takes a request from all buckets, or from none.
fn take_in_memory(demand: &[(&Buckets, Subject)]) -> Result<Quota, Exceeded> {
    let mut tightest: Option<(u32, &Buckets)> = None;
    for (at, (buckets, subject)) in demand.iter().enumerate() {
        match buckets.in_memory.take(*subject) {
            Ok(taken) if tightest.is_none_or(|(fewest, _)| taken.remaining < fewest) => {
                tightest = Some((taken.remaining, *buckets));
            }
            Ok(_) => {}
            Err(Limited { retry_after }) => {
                for (taken, subject) in demand.iter().take(at) {
                    taken.in_memory.give_back(subject);
                }
                return Err(buckets.exceeded(retry_after));
            }
        }
    }
    let (requests, buckets) = tightest.unwrap_or_else(|| unreachable!("every request has an address"));
    Ok(buckets.quota(requests))
}

impl Buckets {
    /// Returns the quota of a bucket with that many requests left.
    fn quota(&self, requests: u32) -> Quota {
        Quota { remaining: requests.saturating_mul(self.config.requested_tokens), bucket: self.config }
    }

    fn exceeded(&self, retry_after: Duration) -> Exceeded {
        metrics::count_rate_limited(self.name);
        Exceeded { retry_after, quota: self.quota(0) }
    }
}

impl Quota {
    /// Sets Spring Cloud Gateway's headers.
    pub fn write(&self, headers: &mut HeaderMap) {
        let BucketConfig { replenish_rate, burst_capacity, requested_tokens } = self.bucket;
        for (name, value) in [
            (REMAINING, self.remaining),
            (BURST_CAPACITY, burst_capacity),
            (REPLENISH_RATE, replenish_rate),
            (REQUESTED_TOKENS, requested_tokens),
        ] {
            headers.insert(name, HeaderValue::from(value));
        }
    }
}

/// Returns the network of an address: the /24 of IPv4; of IPv6 the /64, all of which one customer has.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & (!0 << 8)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{ShiftedClock, ids::Id};

    use super::*;

    fn limits(config: &RateLimitConfig) -> (Arc<ShiftedClock>, Limits) {
        let clock = ShiftedClock::new(Duration::ZERO);
        let shared: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&clock);
        (clock, Limits::new(config, None, &shared).unwrap())
    }

    /// Number of requests that are granted, at most 2,000.
    async fn granted(limits: &Limits, class: RateClass, address: impl Fn(u32) -> String, user: Option<i64>) -> u32 {
        let user = user.map(|id| UserId::new(id).unwrap());
        let mut count = 0;
        while count < 2_000 && limits.take(class, address(count).parse().unwrap(), user).await.is_ok() {
            count += 1;
        }
        count
    }

    #[tokio::test]
    async fn an_address_a_network_and_a_user_have_limits() {
        let (_, limits) = limits(&RateLimitConfig::default());
        // A token or two more for the time that the test itself takes.
        let about =
            |found: u32, wanted: u32| assert!((wanted..=wanted + wanted / 4).contains(&found), "{found} {wanted}");
        about(granted(&limits, RateClass::Ordinary, |_| "10.0.0.1".to_owned(), None).await, 100);
        about(granted(&limits, RateClass::Entry, |_| "10.0.0.1".to_owned(), None).await, 20);
        about(granted(&limits, RateClass::Mail, |_| "10.0.0.1".to_owned(), None).await, 20);
        about(granted(&limits, RateClass::Mail, |n| format!("10.0.1.{}", n % 256), None).await, 80);
        about(granted(&limits, RateClass::Entry, |n| format!("2001:db8::{n:x}"), None).await, 80);
        about(granted(&limits, RateClass::Ordinary, |n| format!("10.1.{}.{}", n / 256, n % 256), Some(7)).await, 60);
        assert_eq!(granted(&limits, RateClass::None, |_| "10.0.0.1".to_owned(), Some(7)).await, 2_000);
        // The mapped form is the same address.
        assert_eq!(granted(&limits, RateClass::Mail, |_| "::ffff:10.0.0.1".to_owned(), None).await, 0);
    }

    #[tokio::test]
    async fn a_refused_request_takes_nothing_from_the_other_buckets() {
        let user = BucketConfig { replenish_rate: 1, burst_capacity: 600, requested_tokens: 300 };
        let (clock, limits) = limits(&RateLimitConfig { user, ..RateLimitConfig::default() });
        let user = Some(UserId::new(7).unwrap());
        let first: IpAddr = "10.0.0.1".parse().unwrap();
        while limits.take(RateClass::Ordinary, first, user).await.is_ok() {}
        let other: IpAddr = "10.9.0.1".parse().unwrap();
        for _ in 0..500 {
            assert!(limits.take(RateClass::Ordinary, other, user).await.is_err());
        }
        let quota = limits.take(RateClass::Ordinary, other, None).await.unwrap().unwrap();
        assert_eq!((quota.remaining, quota.bucket.burst_capacity), (99, 100));
        clock.advance(Duration::from_secs(600));
        limits.take(RateClass::Ordinary, first, user).await.unwrap();
    }

    proptest! {
        #[test]
        fn a_network_contains_its_address_and_is_a_network(bits: u128, is_v4: bool) {
            let address: IpAddr = if is_v4 {
                Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap()).into()
            } else {
                Ipv6Addr::from_bits(bits).into()
            };
            let length = if is_v4 { 24 } else { 64 };
            let whole = ipnet::IpNet::new(network(address), length).unwrap();
            prop_assert!(whole.contains(&address));
            prop_assert_eq!(whole.addr(), whole.network());
        }
    }
}
