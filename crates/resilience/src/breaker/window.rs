//! The sliding window over the latest calls, with running totals.

use std::collections::VecDeque;

use souk_values::Timestamp;

/// The result of one call, which may be both failed and slow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub failed: bool,
    pub slow: bool,
}

/// Numbers of calls in a window, by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub calls: u32,
    pub failed: u32,
    pub slow: u32,
    pub slow_failed: u32,
}

impl Totals {
    fn add(&mut self, call: Call) {
        self.calls += 1;
        self.failed += u32::from(call.failed);
        self.slow += u32::from(call.slow);
        self.slow_failed += u32::from(call.failed && call.slow);
    }

    fn subtract(&mut self, call: Call) {
        self.calls -= 1;
        self.failed -= u32::from(call.failed);
        self.slow -= u32::from(call.slow);
        self.slow_failed -= u32::from(call.failed && call.slow);
    }

    fn subtract_all(&mut self, others: Self) {
        self.calls -= others.calls;
        self.failed -= others.failed;
        self.slow -= others.slow;
        self.slow_failed -= others.slow_failed;
    }
}

/// A sliding window of one of the window types.
#[derive(Debug)]
pub(super) enum Window {
    Count(CountWindow),
    Time(TimeWindow),
}

impl Window {
    pub fn record(&mut self, call: Call, now: Timestamp) {
        match self {
            Self::Count(window) => window.record(call),
            Self::Time(window) => window.record(call, now),
        }
    }

    /// Forgets what is too old. Every operation of the breaker begins with this.
    pub fn catch_up(&mut self, now: Timestamp) {
        match self {
            Self::Count(_) => {}
            Self::Time(window) => window.catch_up(now),
        }
    }

    pub fn totals(&self) -> Totals {
        match self {
            Self::Count(window) => window.totals,
            Self::Time(window) => window.totals,
        }
    }
}

/// The last `size` calls, regardless of their age.
#[derive(Debug)]
pub(super) struct CountWindow {
    size: u32,
    calls: VecDeque<Call>,
    totals: Totals,
}

impl CountWindow {
    pub fn new(size: u32) -> Self {
        Self { size, calls: VecDeque::new(), totals: Totals::default() }
    }

    fn record(&mut self, call: Call) {
        if self.totals.calls >= self.size
            && let Some(oldest) = self.calls.pop_front()
        {
            self.totals.subtract(oldest);
        }
        self.calls.push_back(call);
        self.totals.add(call);
    }
}

/// The calls of the current second of the clock and the `seconds` - 1 before it, whatever their number.
#[derive(Debug)]
pub(super) struct TimeWindow {
    seconds: u32,
    /// Seconds since the epoch in which calls ended, and their calls; oldest first.
    buckets: VecDeque<(i64, Totals)>,
    totals: Totals,
}

impl TimeWindow {
    pub fn new(seconds: u32) -> Self {
        Self { seconds, buckets: VecDeque::new(), totals: Totals::default() }
    }

    fn record(&mut self, call: Call, now: Timestamp) {
        self.catch_up(now);
        let second = now.seconds();
        match self.buckets.back_mut() {
            // A clock that was set back adds to the newest second.
            Some((newest, calls)) if *newest >= second => calls.add(call),
            _ => {
                let mut calls = Totals::default();
                calls.add(call);
                self.buckets.push_back((second, calls));
            }
        }
        self.totals.add(call);
    }

    fn catch_up(&mut self, now: Timestamp) {
        let too_old = now.seconds() - i64::from(self.seconds);
        while let Some((_, calls)) = self.buckets.pop_front_if(|(second, _)| *second <= too_old) {
            self.totals.subtract_all(calls);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(calls: &[Call], what: impl Fn(&Call) -> bool) -> u32 {
        u32::try_from(calls.iter().filter(|call| what(call)).count()).unwrap()
    }

    proptest! {
        #[test]
        fn a_count_window_sums_the_last_calls(
            size in 1_u32..20,
            calls in prop::collection::vec((any::<bool>(), any::<bool>()), 0..80),
        ) {
            let calls: Vec<Call> = calls.into_iter().map(|(failed, slow)| Call { failed, slow }).collect();
            let mut window = Window::Count(CountWindow::new(size));
            for end in 1..=calls.len() {
                window.record(calls[end - 1], Timestamp::from_millis(0));
                let last = &calls[end.saturating_sub(usize::try_from(size).unwrap())..end];
                prop_assert_eq!(window.totals(), Totals {
                    calls: count(last, |_| true),
                    failed: count(last, |call| call.failed),
                    slow: count(last, |call| call.slow),
                    slow_failed: count(last, |call| call.failed && call.slow),
                });
            }
        }

        #[test]
        fn a_time_window_sums_the_calls_of_the_last_seconds(
            seconds in 1_u32..8,
            calls in prop::collection::vec((0_i64..2_500, any::<bool>(), any::<bool>()), 1..60),
        ) {
            let mut window = Window::Time(TimeWindow::new(seconds));
            let mut now = 1_000_000_500;
            let mut all = Vec::new();
            for (pause, failed, slow) in calls {
                now += pause;
                window.catch_up(Timestamp::from_millis(now));
                let of_last = |all: &[(i64, Call)]| -> Vec<Call> {
                    let since = now / 1_000 - i64::from(seconds);
                    all.iter().filter(|(at, _)| at / 1_000 > since).map(|(_, call)| *call).collect()
                };
                let before = of_last(&all);
                prop_assert_eq!(window.totals().calls, count(&before, |_| true));
                let call = Call { failed, slow };
                all.push((now, call));
                window.record(call, Timestamp::from_millis(now));
                let last = of_last(&all);
                prop_assert_eq!(window.totals(), Totals {
                    calls: count(&last, |_| true),
                    failed: count(&last, |call| call.failed),
                    slow: count(&last, |call| call.slow),
                    slow_failed: count(&last, |call| call.failed && call.slow),
                });
            }
        }
    }
}
