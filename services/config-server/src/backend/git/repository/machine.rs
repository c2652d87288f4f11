//! The refresh states of a repository, pure: time comes in, decisions come out.

use std::time::Duration;

use souk_values::Timestamp;
use tokio::time::Instant;

/// Age after which a running refresh no longer keeps another from starting, such as one whose remote hangs.
pub(super) const MAX_REFRESH_TIME: Duration = Duration::from_secs(600);
/// Limit on the refreshes that were abandoned at that age and still run.
const MAX_ABANDONED: usize = 3;
/// Timeout for a repository that already let a request time out, provided there is a state to answer from.
const SHORT_WAIT: Duration = Duration::from_millis(500);

/// Decides when a repository is refreshed, which requests wait for it, and which state they are answered from.
///
/// `S` is a state of the repository that requests can be answered from. Cloning it is cheap.
#[derive(Debug)]
pub(super) struct Machine<S> {
    /// Time for which a state is served without a refresh; `None` serves the first one forever.
    interval: Option<Duration>,
    last_known: Option<S>,
    /// Start of the latest refresh; `None` makes the next request refresh.
    refreshed_at: Option<Timestamp>,
    running: Option<Refresh>,
    /// Refreshes started so far.
    started: u64,
    /// Reports so far that the remote has changed.
    expirations: u64,
    abandoned: usize,
    /// Reason of the current outage.
    failure: Option<String>,
    /// True from the first request that timed out until a refresh succeeds.
    is_slow: bool,
}

/// Identifies a refresh. The result of one that was abandoned is ignored: a later one knows better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefreshId(u64);

#[derive(Debug)]
struct Refresh {
    id: RefreshId,
    /// [`Machine::expirations`] at its start. It may have read the remote before a later change.
    expirations: u64,
    started_at: Instant,
}

/// The answer to a request for the current state.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan<S> {
    Serve(S),
    /// Wait for a refresh that covers `expirations`, but not longer than `timeout`.
    Refresh {
        expirations: u64,
        timeout: Duration,
    },
}

/// The next step of a request that waits for a refresh.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Join,
    /// Start this refresh. One that still runs was abandoned and is to be interrupted.
    Start(RefreshId),
}

/// A change that operators should see in the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Transition {
    Failed { reason: String, has_last_known: bool },
    Recovered,
}

impl<S: Clone> Machine<S> {
    pub fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            last_known: None,
            refreshed_at: None,
            running: None,
            started: 0,
            expirations: 0,
            abandoned: 0,
            failure: None,
            is_slow: false,
        }
    }

    pub fn last_known(&self) -> Option<&S> {
        self.last_known.as_ref()
    }

    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Plans the answer to a request that arrives at `now` and waits for `timeout` at most.
    pub fn plan(&self, now: Timestamp, timeout: Duration) -> Plan<S> {
        match &self.last_known {
            Some(state) if !self.is_due(now) => Plan::Serve(state.clone()),
            Some(_) if self.is_slow => {
                Plan::Refresh { expirations: self.expirations, timeout: SHORT_WAIT.min(timeout) }
            }
            _ => Plan::Refresh { expirations: self.expirations, timeout },
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let Some(refreshed_at) = self.refreshed_at else { return true };
        self.interval.is_some_and(|interval| now.since(refreshed_at) >= interval)
    }

    /// Joins the refresh in progress, or starts one.
    pub fn join_or_start(&mut self, now: Timestamp, instant: Instant) -> Turn {
        if let Some(running) = &self.running {
            let is_hanging = instant.duration_since(running.started_at) > MAX_REFRESH_TIME;
            if !is_hanging || self.abandoned >= MAX_ABANDONED {
                return Turn::Join;
            }
            self.abandoned += 1;
        }
        self.started += 1;
        self.refreshed_at = Some(now);
        let id = RefreshId(self.started);
        self.running = Some(Refresh { id, expirations: self.expirations, started_at: instant });
        Turn::Start(id)
    }

    /// True when the refresh in progress started after `expirations` changes were reported, and so includes them.
    pub fn covers(&self, expirations: u64) -> bool {
        self.running.as_ref().is_none_or(|running| running.expirations >= expirations)
    }

    pub fn finish(&mut self, id: RefreshId, result: Result<S, String>) -> Option<Transition> {
        if self.running.as_ref().is_none_or(|running| running.id != id) {
            self.abandoned = self.abandoned.saturating_sub(1);
            return None;
        }
        self.running = None;
        match result {
            Ok(state) => {
                self.last_known = Some(state);
                self.is_slow = false;
                self.failure.take().map(|_| Transition::Recovered)
            }
            Err(reason) => self.fail(reason),
        }
    }

    /// Records that a request timed out.
    pub fn time_out(&mut self, timeout: Duration) -> Option<Transition> {
        self.is_slow = true;
        self.fail(format!("it has not answered within {} s", timeout.as_secs()))
    }

    fn fail(&mut self, reason: String) -> Option<Transition> {
        let is_new = self.failure.replace(reason.clone()).is_none();
        is_new.then(|| Transition::Failed { reason, has_last_known: self.last_known.is_some() })
    }

    /// Serves `state`, left by an earlier process, until the first refresh succeeds.
    pub fn adopt(&mut self, state: S) {
        self.last_known.get_or_insert(state);
    }

    /// Records that the remote has changed: requests from now on wait for a refresh that starts after this.
    pub fn expire(&mut self) {
        self.refreshed_at = None;
        self.expirations += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn now() -> Timestamp {
        Timestamp::from_millis(1_000_000)
    }

    fn started(turn: &Turn) -> RefreshId {
        match turn {
            Turn::Start(id) => *id,
            Turn::Join => panic!("it joined a refresh"),
        }
    }

    /// A machine whose first refresh, at [`now`], returned the state 1.
    fn refreshed(interval: Option<Duration>) -> Machine<u8> {
        let mut machine = Machine::new(interval);
        let id = started(&machine.join_or_start(now(), Instant::now()));
        assert_eq!(machine.finish(id, Ok(1)), None);
        machine
    }

    #[test]
    fn a_state_is_served_for_the_interval() {
        let minute = refreshed(Some(60 * SECOND));
        assert_eq!(minute.plan(now().plus(59 * SECOND), SECOND), Plan::Serve(1));
        assert_eq!(minute.plan(now().plus(60 * SECOND), SECOND), Plan::Refresh { expirations: 0, timeout: SECOND });
        assert_eq!(refreshed(None).plan(now().plus(1_000_000 * SECOND), SECOND), Plan::Serve(1));
        assert!(matches!(refreshed(Some(Duration::ZERO)).plan(now(), SECOND), Plan::Refresh { .. }));
    }

    #[test]
    fn a_refresh_covers_only_changes_reported_before_it_started() {
        let mut machine = refreshed(None);
        machine.expire();
        assert_eq!(machine.plan(now(), SECOND), Plan::Refresh { expirations: 1, timeout: SECOND });
        let first = started(&machine.join_or_start(now(), Instant::now()));
        assert!(machine.covers(1));
        machine.expire();
        assert_eq!(machine.join_or_start(now(), Instant::now()), Turn::Join);
        assert!(!machine.covers(2));
        machine.finish(first, Ok(2));
        started(&machine.join_or_start(now(), Instant::now()));
        assert!(machine.covers(2));
    }

    #[test]
    fn an_outage_and_its_end_are_reported_once() {
        let mut machine = refreshed(Some(Duration::ZERO));
        let failed = Transition::Failed { reason: "it has not answered within 5 s".to_owned(), has_last_known: true };
        assert_eq!(machine.time_out(5 * SECOND), Some(failed));
        assert_eq!(machine.plan(now(), 5 * SECOND), Plan::Refresh { expirations: 0, timeout: SHORT_WAIT });
        let id = started(&machine.join_or_start(now(), Instant::now()));
        assert_eq!(machine.finish(id, Err("it is gone".to_owned())), None);
        assert_eq!((machine.failure(), machine.last_known()), (Some("it is gone"), Some(&1)));
        let id = started(&machine.join_or_start(now(), Instant::now()));
        assert_eq!(machine.finish(id, Ok(2)), Some(Transition::Recovered));
        assert_eq!((machine.failure(), machine.last_known()), (None, Some(&2)));
        assert_eq!(machine.plan(now(), 5 * SECOND), Plan::Refresh { expirations: 0, timeout: 5 * SECOND });
    }

    #[test]
    fn a_refresh_that_hangs_is_abandoned_and_its_result_ignored() {
        let mut machine = Machine::new(None);
        let mut instant = Instant::now();
        let first = started(&machine.join_or_start(now(), instant));
        for _ in 0..MAX_ABANDONED {
            assert_eq!(machine.join_or_start(now(), instant), Turn::Join);
            instant += MAX_REFRESH_TIME + SECOND;
            started(&machine.join_or_start(now(), instant));
        }
        instant += MAX_REFRESH_TIME + SECOND;
        assert_eq!(machine.join_or_start(now(), instant), Turn::Join, "too many are still running");
        assert_eq!(machine.finish(first, Ok(1)), None);
        assert_eq!(machine.last_known(), None);
        started(&machine.join_or_start(now(), instant));
    }

    #[test]
    fn a_state_left_by_an_earlier_process_does_not_replace_a_newer_one() {
        let mut machine = Machine::new(None);
        machine.adopt(7);
        assert_eq!(machine.last_known(), Some(&7));
        machine.adopt(8);
        assert_eq!(machine.last_known(), Some(&7));
    }
}
