//! A circuit breaker on a clock that only advances explicitly.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use souk_resilience::{Breaker, BreakerConfig, State};
use souk_values::{Clock, Timestamp};

#[derive(Debug)]
pub struct StillClock(AtomicI64);

impl StillClock {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_000_000_000)))
    }

    pub fn millis(&self) -> i64 {
        self.now().millis()
    }

    pub fn advance_ms(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct Rig {
    pub clock: Arc<StillClock>,
    pub breaker: Arc<Breaker>,
}

/// Window 4, minimum 4, threshold 50 %, slow above 100 ms, wait 1 s, 3 trial calls.
pub fn small() -> BreakerConfig {
    BreakerConfig {
        slow_call_duration_threshold: Duration::from_millis(100),
        minimum_number_of_calls: 4,
        sliding_window_size: 4,
        wait_duration_in_open_state: Duration::from_secs(1),
        permitted_number_of_calls_in_half_open_state: 3,
        ..BreakerConfig::default()
    }
}

impl Rig {
    pub fn new(config: BreakerConfig) -> Self {
        assert_eq!(config.validate(), Ok(()));
        let clock = StillClock::new();
        Self { breaker: Breaker::new("order", "product", config, clock.clone()), clock }
    }

    pub fn small() -> Self {
        Self::new(small())
    }

    /// Runs one call that takes `millis` milliseconds.
    pub fn call(&self, millis: i64, is_ok: bool) {
        let permit = self.breaker.acquire().unwrap();
        self.clock.advance_ms(millis);
        if is_ok { permit.success() } else { permit.failure("it failed") }
    }

    pub fn ok(&self) {
        self.call(0, true);
    }

    pub fn fail(&self) {
        self.call(0, false);
    }

    pub fn is_denied(&self) -> bool {
        self.breaker.acquire().is_err()
    }

    pub fn state(&self) -> State {
        self.breaker.state()
    }

    /// Failure rate and slow call rate in percent.
    pub fn rates(&self) -> (f64, f64) {
        let snapshot = self.breaker.snapshot();
        (snapshot.failure_rate, snapshot.slow_call_rate)
    }

    /// A breaker that failures have just opened.
    pub fn opened() -> Self {
        Self::opened_with(small())
    }

    pub fn opened_with(config: BreakerConfig) -> Self {
        let rig = Self::new(config);
        while rig.state() == State::Closed {
            rig.fail();
        }
        assert_eq!(rig.state(), State::Open);
        rig
    }

    /// Advances the clock just past the wait of `small`.
    pub fn wait_over(&self) {
        self.clock.advance_ms(1_001);
    }
}
