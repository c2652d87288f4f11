//! The circuit breaker: stops calling what keeps failing, and tries again later.

mod config;
mod machine;
mod metrics;
mod state;
mod window;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use souk_values::{Clock, Timestamp};

pub use self::{
    config::{AfterTrial, BreakerConfig, WindowType},
    state::{IllegalTransition, State},
};
use self::{
    machine::{Machine, Transition, WindowId},
    metrics::{BreakerMetrics, Kind},
};
use crate::series::Series;

/// One breaker for one target, shared by all who call it.
///
/// It has no timer: what is due happens when it is next asked, by a call or by [`Breaker::snapshot`].
/// A short lock guards it, never held while the call runs.
pub struct Breaker {
    name: Arc<str>,
    service: String,
    clock: Arc<dyn Clock>,
    machine: Mutex<Machine>,
    metrics: BreakerMetrics,
}

/// The breaker denied the call: nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("circuit breaker {name} is {state} and permits no call")]
pub struct NotPermitted {
    /// The breaker's name.
    pub name: Arc<str>,
    /// OPEN, `HALF_OPEN` (all trial permits are taken) or `FORCED_OPEN`.
    pub state: State,
    /// When asking again is worth it, for `Retry-After`. Never zero. Exact while OPEN, a guess otherwise.
    pub retry_after: Duration,
}

/// What a breaker shows: the window of its present state, and its thresholds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Snapshot {
    /// The present state.
    pub state: State,
    /// How often in a row it opened; 0 while closed.
    pub attempt: u32,
    /// Failed calls in percent, -1 below the minimum number of calls.
    pub failure_rate: f64,
    /// In percent.
    pub failure_rate_threshold: f64,
    /// Slow calls in percent, -1 below the minimum number of calls.
    pub slow_call_rate: f64,
    /// In percent.
    pub slow_call_rate_threshold: f64,
    /// Results in the window.
    pub buffered_calls: u32,
    /// Those that failed.
    pub failed_calls: u32,
    /// Those that were slow.
    pub slow_calls: u32,
    /// Those that failed and were slow.
    pub slow_failed_calls: u32,
    /// Calls denied since the window began.
    pub not_permitted_calls: u64,
}

impl Breaker {
    /// A closed breaker of `service` for the target `name`. `config` is taken as valid: see
    /// [`BreakerConfig::validate`]. A count of zero works as one.
    #[must_use]
    pub fn new(
        service: impl Into<String>,
        name: impl Into<String>,
        config: BreakerConfig,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let series = Series { service: service.into(), name: name.into() };
        let machine = Machine::new(config, clock.now());
        let metrics = BreakerMetrics::new(&series);
        metrics.show_state(machine.state());
        metrics.show_calls(&snapshot(&machine));
        let Series { service, name } = series;
        Arc::new(Self { name: name.into(), service, clock, machine: Mutex::new(machine), metrics })
    }

    /// What it guards; unique within its service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks to make one call now. Tell the permit how the call went.
    pub fn acquire(self: &Arc<Self>) -> Result<Permit, NotPermitted> {
        let answer = self.act(|machine, now| {
            let permit = machine.acquire(now).map(|window| (window, now));
            permit.map_err(|retry_after| (machine.state(), retry_after))
        });
        match answer {
            Ok((window, started)) => Ok(Permit { breaker: Arc::clone(self), window, started, is_spent: false }),
            Err((state, retry_after)) => {
                self.metrics.deny();
                Err(NotPermitted { name: Arc::clone(&self.name), state, retry_after })
            }
        }
    }

    /// The present state.
    #[must_use]
    pub fn state(&self) -> State {
        self.act(|machine, now| {
            machine.catch_up(now);
            machine.state()
        })
    }

    /// Everything it shows, at one instant.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.act(|machine, now| {
            machine.catch_up(now);
            snapshot(machine)
        })
    }

    /// Puts it into `next` by hand. The same state again starts that state anew.
    pub fn force(&self, next: State) -> Result<(), IllegalTransition> {
        self.act(|machine, now| machine.force(next, now))
    }

    /// CLOSED with nothing recorded, from every state.
    pub fn reset(&self) {
        self.act(Machine::reset);
    }

    fn finish(&self, permit: &Permit, kind: Kind) {
        let (took, is_timed) = self.act(|machine, now| {
            let took = now.since(permit.started);
            let is_timed = machine.state().records();
            match kind {
                Kind::Successful => machine.record(permit.window, false, took, now),
                Kind::Failed => machine.record(permit.window, true, took, now),
                Kind::Ignored => machine.give_back(permit.window, now),
            }
            self.metrics.show_calls(&snapshot(machine));
            (took, is_timed)
        });
        if is_timed {
            self.metrics.time(kind, took);
        }
    }

    fn act<R>(&self, act: impl FnOnce(&mut Machine, Timestamp) -> R) -> R {
        // Nothing in the machine panics half way, so poison means nothing here.
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = act(&mut machine, self.clock.now());
        let transitions = machine.take_transitions();
        if !transitions.is_empty() {
            self.metrics.show_state(machine.state());
            self.metrics.show_calls(&snapshot(&machine));
        }
        drop(machine);
        for Transition { from, to } in transitions {
            tracing::warn!(
                service = self.service,
                breaker.name = &*self.name,
                breaker.from = %from,
                breaker.to = %to,
                "circuit breaker changed state"
            );
        }
        answer
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("service", &self.service).field("name", &self.name).finish_non_exhaustive()
    }
}

fn snapshot(machine: &Machine) -> Snapshot {
    let totals = machine.totals();
    Snapshot {
        state: machine.state(),
        attempt: machine.attempt(),
        failure_rate: machine.failure_rate().unwrap_or(-1.0),
        failure_rate_threshold: machine.config().failure_rate_threshold,
        slow_call_rate: machine.slow_call_rate().unwrap_or(-1.0),
        slow_call_rate_threshold: machine.config().slow_call_rate_threshold,
        buffered_calls: totals.calls,
        failed_calls: totals.failed,
        slow_calls: totals.slow,
        slow_failed_calls: totals.slow_failed,
        not_permitted_calls: machine.not_permitted(),
    }
}

/// Leave to make one call, measured from now on. Dropped, as when the caller goes away, it is given back.
#[must_use = "a dropped permit records nothing: call success, failure or ignore"]
#[derive(Debug)]
pub struct Permit {
    breaker: Arc<Breaker>,
    window: WindowId,
    started: Timestamp,
    is_spent: bool,
}

impl Permit {
    /// The target answered as it should.
    pub fn success(self) {
        self.spend(Kind::Successful);
    }

    /// The target failed: no answer, a timeout, or one that says so.
    pub fn failure(self) {
        self.spend(Kind::Failed);
    }

    /// The result says nothing about the target. It is not counted and the permit is given back.
    pub fn ignore(self) {
        self.spend(Kind::Ignored);
    }

    fn spend(mut self, kind: Kind) {
        self.is_spent = true;
        self.breaker.finish(&self, kind);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_spent {
            self.breaker.act(|machine, now| machine.give_back(self.window, now));
        }
    }
}
