//! The sliding window over the latest calls, with running totals.

use std::collections::VecDeque;

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
}

/// A sliding window of one of the window types.
#[derive(Debug)]
pub(super) enum Window {
    Count(CountWindow),
}

impl Window {
    pub fn record(&mut self, call: Call) {
        match self {
            Self::Count(window) => window.record(call),
        }
    }

    pub fn totals(&self) -> Totals {
        match self {
            Self::Count(window) => window.totals,
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
                window.record(calls[end - 1]);
                let last = &calls[end.saturating_sub(usize::try_from(size).unwrap())..end];
                prop_assert_eq!(window.totals(), Totals {
                    calls: count(last, |_| true),
                    failed: count(last, |call| call.failed),
                    slow: count(last, |call| call.slow),
                    slow_failed: count(last, |call| call.failed && call.slow),
                });
            }
        }
    }
}
