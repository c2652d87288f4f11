//! Token buckets, one for each key, in bounded memory.
//!
//! A bucket is one number, the time at which it is full again (GCRA, the generic cell rate algorithm of ATM): taking a
//! token moves it into the future. A full bucket equals one that was never used, so it needs no memory.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use souk_values::Clock;

/// Number of independently locked parts of the memory.
const SHARDS: usize = 16;

/// Size of a bucket, and the speed at which it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a full bucket; at least 1.
    pub burst: u32,
    /// Time in which a token is added.
    pub every: Duration,
}

/// The bucket after a token was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Tokens that are left.
    pub remaining: u32,
    /// Time until the bucket is full.
    pub full_after: Duration,
}

/// The bucket is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no token within {} ms", .retry_after.as_millis())]
pub struct Limited {
    /// Time until there is a token.
    pub retry_after: Duration,
}

/// Buckets of one rate, by key.
pub struct RateLimiter<K> {
    rate: Rate,
    clock: Arc<dyn Clock>,
    shards: Box<[Mutex<HashMap<K, i64>>]>,
    /// Limit of buckets in a shard.
    capacity: usize,
    hasher: RandomState,
}

impl<K: Hash + Eq> RateLimiter<K> {
    /// Returns full buckets. `capacity` bounds the number of buckets that are not full; beyond it those are forgotten that
    /// are closest to being full.
    #[must_use]
    pub fn new(rate: Rate, capacity: usize, clock: Arc<dyn Clock>) -> Self {
        let shards = std::iter::repeat_with(Mutex::default).take(SHARDS).collect();
        Self { rate, clock, shards, capacity: (capacity / SHARDS).max(1), hasher: RandomState::new() }
    }

    /// Takes a token of `key`. Errors: the bucket is empty.
    pub fn take(&self, key: K) -> Result<Taken, Limited> {
        let now = self.now();
        let (token, size) = (self.token(), self.token().saturating_mul(i64::from(self.rate.burst.max(1))));
        let Some(shard) = self.shard(&key) else { return Err(Limited { retry_after: self.rate.every }) };
        let mut shard = shard.lock();
        let full_at = shard.get(&key).copied().unwrap_or(now).max(now).saturating_add(token);
        let missing = full_at.saturating_sub(now);
        if missing > size {
            return Err(Limited { retry_after: duration(missing - size) });
        }
        if shard.len() >= self.capacity && !shard.contains_key(&key) {
            make_room(&mut shard, now, self.capacity);
        }
        shard.insert(key, full_at);
        let remaining = u32::try_from((size - missing) / token).unwrap_or(u32::MAX);
        Ok(Taken { remaining, full_after: duration(missing) })
    }

    /// Puts a token back that was taken of `key`: what it was taken for has cost nothing.
    pub fn give_back(&self, key: &K) {
        let Some(shard) = self.shard(key) else { return };
        let token = self.token();
        if let Some(full_at) = shard.lock().get_mut(key) {
            *full_at = full_at.saturating_sub(token);
        }
    }

    /// Fills the bucket of `key`.
    pub fn fill(&self, key: &K) {
        if let Some(shard) = self.shard(key) {
            shard.lock().remove(key);
        }
    }

    /// Time for a token, in microseconds.
    fn token(&self) -> i64 {
        i64::try_from(self.rate.every.as_micros()).unwrap_or(i64::MAX).max(1)
    }

    fn now(&self) -> i64 {
        self.clock.now().millis().saturating_mul(1_000)
    }

    fn shard(&self, key: &K) -> Option<&Mutex<HashMap<K, i64>>> {
        let hash = self.hasher.hash_one(key);
        let shards = u64::try_from(self.shards.len()).unwrap_or(1);
        self.shards.get(usize::try_from(hash % shards).unwrap_or_default())
    }
}

impl<K> fmt::Debug for RateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// Forgets the buckets that are full at `now`; if there are too few of them, the half that is closest to it.
fn make_room<K: Hash + Eq>(buckets: &mut HashMap<K, i64>, now: i64, capacity: usize) {
    buckets.retain(|_, full_at| *full_at > now);
    if buckets.len() < capacity {
        return;
    }
    let mut times: Vec<i64> = buckets.values().copied().collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    buckets.retain(|_, full_at| *full_at > median);
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::ShiftedClock;

    use super::*;

    const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(2) };

    fn limiter(rate: Rate, capacity: usize) -> (Arc<ShiftedClock>, RateLimiter<u32>) {
        let clock = ShiftedClock::new(Duration::ZERO);
        let shared: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&clock);
        (clock, RateLimiter::new(rate, capacity, shared))
    }

    #[test]
    fn a_bucket_is_emptied_at_once_and_filled_slowly() {
        let (clock, limiter) = limiter(RATE, 100);
        let remaining: Vec<u32> = (0..3).map(|_| limiter.take(1).unwrap().remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let wait = limiter.take(1).unwrap_err().retry_after;
        assert!(wait > Duration::from_millis(1_500) && wait <= Duration::from_secs(2), "{wait:?}");
        limiter.take(2).unwrap();
        clock.advance(Duration::from_secs(2));
        limiter.take(1).unwrap();
        limiter.take(1).unwrap_err();
        clock.advance(Duration::from_secs(60));
        assert_eq!(limiter.take(1).unwrap().remaining, 2, "it holds no more than its size");
    }

    #[test]
    fn a_token_that_is_given_back_can_be_taken_again() {
        let (_, limiter) = limiter(RATE, 100);
        for _ in 0..20 {
            limiter.take(1).unwrap();
            limiter.give_back(&1);
        }
        assert_eq!(limiter.take(1).unwrap().remaining, 2);
        limiter.give_back(&7);
        for _ in 0..2 {
            limiter.take(1).unwrap();
        }
        limiter.take(1).unwrap_err();
        limiter.fill(&1);
        limiter.take(1).unwrap();
    }

    #[test]
    fn memory_is_bounded_and_the_emptiest_buckets_are_kept() {
        let (_, limiter) = limiter(Rate { burst: 2, every: Duration::from_secs(600) }, 160);
        for key in 0..2 {
            limiter.take(key).unwrap();
            limiter.take(key).unwrap();
        }
        for key in 10..10_000 {
            limiter.take(key).unwrap();
        }
        let kept: usize = limiter.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(kept <= 176, "{kept}");
        for key in 0..2 {
            limiter.take(key).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn no_more_than_the_burst_and_the_rate_are_granted(pauses in prop::collection::vec(0_u64..3_000, 1..60)) {
            let (clock, limiter) = limiter(RATE, 100);
            let mut granted = 0_u64;
            let mut elapsed = 0;
            for pause in pauses {
                clock.advance(Duration::from_millis(pause));
                elapsed += pause;
                granted += u64::from(limiter.take(1).is_ok());
            }
            // One more for the time that the test itself takes.
            prop_assert!(granted <= 3 + elapsed / 2_000 + 1);
        }
    }
}
