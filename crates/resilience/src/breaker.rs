//! The circuit breaker: denies calls to a target that keeps failing, and tries it again later.

mod config;
mod events;
mod machine;
mod metrics;
mod snapshot;
mod state;
mod window;

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use souk_values::{Clock, Timestamp};

pub use self::{
    config::{BreakerConfig, StateAfterWait, WindowType},
    events::{Event, EventKind},
    snapshot::Snapshot,
    state::{IllegalTransition, State},
};
use self::{
    machine::{Machine, Outcome, Transition, WindowId},
    metrics::BreakerMetrics,
};
use crate::series::Series;

/// The circuit breaker of one target, shared by all of its callers.
///
/// It has no timer: transitions that are due take place at the next call, [`Breaker::state`] or [`Breaker::snapshot`].
/// Its lock is never held while a call runs.
pub struct Breaker {
    name: Arc<str>,
    service: String,
    clock: Arc<dyn Clock>,
    machine: Mutex<Machine>,
    metrics: BreakerMetrics,
}

/// The breaker denied the call, and nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("circuit breaker {name} is {state} and permits no call")]
pub struct NotPermitted {
    /// Name of the breaker, which is its target.
    pub name: Arc<str>,
    /// OPEN, `FORCED_OPEN`, or `HALF_OPEN` when all trial calls are in progress.
    pub state: State,
    /// Time until a call may be permitted, for `Retry-After`; never zero. Exact in the state OPEN, an estimate otherwise.
    pub retry_after: Duration,
}

impl Breaker {
    /// Returns a closed breaker of `service` for the target `name`. Check `config` with [`BreakerConfig::validate`] before;
    /// a count of zero works like one.
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
        metrics.show_calls(&Snapshot::of(&machine));
        let Series { service, name } = series;
        Arc::new(Self { name: name.into(), service, clock, machine: Mutex::new(machine), metrics })
    }

    /// Returns the name of the target, unique within its service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Acquires permission for one call. Report the result of the call to the permit. Errors: the call is not permitted.
    pub fn acquire(self: &Arc<Self>) -> Result<Permit, NotPermitted> {
        let acquired = self.act(|machine, now| {
            let permit = machine.acquire(now).map(|window| (window, now));
            permit.map_err(|retry_after| (machine.state(), retry_after))
        });
        match acquired {
            Ok((window, started)) => Ok(Permit { breaker: Arc::clone(self), window, started, is_spent: false }),
            Err((state, retry_after)) => {
                self.metrics.deny();
                Err(NotPermitted { name: Arc::clone(&self.name), state, retry_after })
            }
        }
    }

    /// Returns the current state.
    #[must_use]
    pub fn state(&self) -> State {
        self.act(|machine, now| {
            machine.catch_up(now);
            machine.state()
        })
    }

    /// Returns state, window and thresholds at one instant.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.act(|machine, now| {
            machine.catch_up(now);
            Snapshot::of(machine)
        })
    }

    /// Returns the last hundred events, the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.act(|machine, now| {
            machine.catch_up(now);
            machine.events().cloned().collect()
        })
    }

    /// Transitions to `next` on an operator's request. A transition to the current state restarts that state. Errors: the
    /// transition is illegal.
    pub fn transition_to(&self, next: State) -> Result<(), IllegalTransition> {
        self.act(|machine, now| machine.transition_to(next, now))
    }

    /// Transitions from any state to CLOSED with an empty window.
    pub fn reset(&self) {
        self.act(Machine::reset);
    }

    fn finish(&self, permit: &Permit, outcome: Outcome) {
        let timer = self.metrics.timer(&outcome);
        let (took, is_timed) = self.act(|machine, now| {
            let took = now.since(permit.started);
            let is_timed = machine.state().records();
            machine.finish(permit.window, outcome, took, now);
            self.metrics.show_calls(&Snapshot::of(machine));
            (took, is_timed)
        });
        if is_timed {
            timer.record(took);
        }
    }

    fn act<R>(&self, act: impl FnOnce(&mut Machine, Timestamp) -> R) -> R {
        let mut machine = self.machine.lock();
        let result = act(&mut machine, self.clock.now());
        let transitions = machine.take_transitions();
        if !transitions.is_empty() {
            self.metrics.show_state(machine.state());
            self.metrics.show_calls(&Snapshot::of(&machine));
        }
        // Logging may block, and must not do so under the lock.
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
        result
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker").field("service", &self.service).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Permission for one call, whose duration is measured from its creation. Dropping it, as a cancelled caller does, releases
/// the permission without recording a result.
#[must_use = "a dropped permit records nothing: call success, failure or ignore"]
#[derive(Debug)]
pub struct Permit {
    breaker: Arc<Breaker>,
    window: WindowId,
    started: Timestamp,
    is_spent: bool,
}

impl Permit {
    /// Records a successful call.
    pub fn success(self) {
        self.spend(Outcome::Successful);
    }

    /// Records a failed call: no response, a timeout, or a response that reports a failure of the target. Operators read
    /// the `cause` in the breaker's events.
    pub fn failure(self, cause: impl fmt::Display) {
        self.spend(Outcome::Failed(cause.to_string().into()));
    }

    /// Releases the permission after a call whose result says nothing about the health of the target.
    pub fn ignore(self) {
        self.spend(Outcome::Ignored);
    }

    fn spend(mut self, outcome: Outcome) {
        self.is_spent = true;
        self.breaker.finish(&self, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_spent {
            self.breaker.act(|machine, now| machine.release(self.window, now));
        }
    }
}
