//! Background work of a service: one shape for everything that runs beside the requests.

use std::{convert::Infallible, fmt::Display, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use souk_values::{Clock, SystemClock, Timestamp, clock};
use tokio_util::sync::CancellationToken;

/// Background work that ends when its token is cancelled.
pub struct Task {
    /// `snake_case` name in logs.
    pub name: &'static str,
    run: Box<dyn FnOnce(CancellationToken) -> BoxFuture<'static, ()> + Send>,
}

impl Task {
    /// A task with a loop of its own, such as one that is woken by a notification.
    pub fn new<F>(name: &'static str, run: impl FnOnce(CancellationToken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self { name, run: Box::new(move |stop| Box::pin(run(stop))) }
    }

    /// Runs `work` on a clone of `state` immediately, and again one `period` of `clock` after it ended. A failure is
    /// logged and retried at the next period. A stop drops the work between two steps; a store's transactions run on
    /// the store's own task, so none is left half done.
    pub fn every<S, F, E>(
        name: &'static str,
        clock: &Arc<dyn Clock>,
        period: Duration,
        state: &S,
        work: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        Self::when_due(name, clock, period, state, move |state| {
            let round = work(state);
            async move { round.await.map(|()| None) }
        })
    }

    /// Runs `work` immediately, and again at the time that it returned, at the latest `longest_pause` after it ended:
    /// work that another replica adds meanwhile is found then. Otherwise as [`Task::every`].
    pub fn when_due<S, F, E>(
        name: &'static str,
        clock: &Arc<dyn Clock>,
        longest_pause: Duration,
        state: &S,
        work: impl Fn(S) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<Option<Timestamp>, E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let (clock, state) = (Arc::clone(clock), state.clone());
        Self::new(name, move |stop| async move {
            let rounds = async {
                loop {
                    let due = work(state.clone()).await.unwrap_or_else(|error| {
                        tracing::warn!(task = name, error = %error, "background work failed and will be retried");
                        None
                    });
                    let latest = clock.now().plus(longest_pause);
                    clock::sleep_until(&*clock, due.map_or(latest, |due| due.min(latest))).await;
                }
            };
            let _: Option<Infallible> = stop.run_until_cancelled(rounds).await;
        })
    }

    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        (self.run)(stop).await;
    }
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The machine's clock, for periods that are not business logic: a moved test clock leaves them alone.
#[must_use]
pub fn real_time() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use souk_values::ShiftedClock;

    use super::*;

    const PERIOD: Duration = Duration::from_secs(600);

    /// A counter of rounds, and the task that counts; each odd round fails.
    fn counting(clock: &Arc<dyn Clock>) -> (Arc<AtomicU32>, Task) {
        let rounds = Arc::new(AtomicU32::new(0));
        let task = Task::every("count", clock, PERIOD, &rounds, |rounds| async move {
            if rounds.fetch_add(1, Ordering::SeqCst) % 2 == 0 { Err("odd rounds fail") } else { Ok(()) }
        });
        (rounds, task)
    }

    async fn reaches(rounds: &AtomicU32, wanted: u32) {
        while rounds.load(Ordering::SeqCst) < wanted {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_runs_immediately_and_each_period_also_after_a_failure_until_stopped() {
        let shifted = ShiftedClock::new(Duration::ZERO);
        let clock: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&shifted);
        let (rounds, task) = counting(&clock);
        let stop = CancellationToken::new();
        let running = tokio::spawn(task.run(stop.clone()));
        reaches(&rounds, 1).await;
        for wanted in 2..=4 {
            shifted.advance(PERIOD);
            reaches(&rounds, wanted).await;
        }
        assert_eq!(rounds.load(Ordering::SeqCst), 4);
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn work_that_is_due_earlier_runs_then_and_work_due_later_at_the_longest_pause() {
        let shifted = ShiftedClock::new(Duration::ZERO);
        let clock: Arc<dyn Clock> = Arc::<ShiftedClock>::clone(&shifted);
        let rounds = Arc::new(AtomicU32::new(0));
        let state = (Arc::clone(&rounds), Arc::clone(&clock));
        let task = Task::when_due("due", &clock, PERIOD, &state, |(rounds, clock)| async move {
            let pause = if rounds.fetch_add(1, Ordering::SeqCst) == 0 { PERIOD / 10 } else { PERIOD * 10 };
            Ok::<_, Infallible>(Some(clock.now().plus(pause)))
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(task.run(stop.clone()));
        reaches(&rounds, 1).await;
        shifted.advance(PERIOD / 10);
        reaches(&rounds, 2).await;
        shifted.advance(PERIOD);
        reaches(&rounds, 3).await;
        stop.cancel();
        running.await.unwrap();
    }
}
