//! The log lines of a test, for assertions on what is and what is never logged.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{
    Dispatch, Level,
    subscriber::{DefaultGuard, NoSubscriber},
};

/// Captures what this thread logs until it is dropped. A test on a single-threaded runtime, the default of
/// `#[tokio::test]`, captures its tasks too.
#[derive(Debug)]
pub struct CapturedLog {
    lines: Lines,
    _guard: DefaultGuard,
    // While a process has one dispatcher only, tracing caches the interest of a call site that another thread reaches
    // first as "never", and its later events on this thread would be lost.
    _second_dispatcher: Dispatch,
}

impl CapturedLog {
    /// Begins to capture events and spans of `level` and above.
    #[must_use]
    pub fn start(level: Level) -> Self {
        let second_dispatcher = Dispatch::new(NoSubscriber::default());
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(move || writer.clone()).finish();
        Self { lines, _guard: tracing::subscriber::set_default(subscriber), _second_dispatcher: second_dispatcher }
    }

    /// Returns everything that was logged so far, one line per event.
    ///
    /// # Panics
    /// When a log line is not UTF-8.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    /// Counts how often `text` occurs in the log.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.text().matches(text).count()
    }
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
