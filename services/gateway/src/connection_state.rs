//! The state of a client's connection: idle, receiving a head, or answering, and since when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use metrics::Gauge;

// Values of `phase`.
const IDLE: u8 = 0;
const HEAD: u8 = 1;
const ANSWERING: u8 = 2;
const FLUSHING: u8 = 3;
/// Nothing was received yet; the time for the first head is running.
const OPENED: u8 = 4;

// Values of `has_length`.
const UNKNOWN: u8 = 0;
const WITHOUT_LENGTH: u8 = 1;
const WITH_LENGTH: u8 = 2;

/// The state of one connection, shared by its stream, its requests and its timer. All of them run in one task, so that
/// relaxed memory ordering is enough.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    opened: Instant,
    phase: AtomicU8,
    /// Start of the phase, in milliseconds after `opened`.
    since: AtomicU64,
    has_length: AtomicU8,
    is_lingering: AtomicBool,
}

impl ConnectionState {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            phase: AtomicU8::new(OPENED),
            since: AtomicU64::new(0),
            has_length: AtomicU8::new(UNKNOWN),
            is_lingering: AtomicBool::new(false),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Relaxed);
        self.since.store(self.now(), Relaxed);
    }

    /// Returns true if bytes received now belong to a head.
    pub fn is_between_requests(&self) -> bool {
        matches!(self.phase.load(Relaxed), IDLE | HEAD | OPENED)
    }

    /// Records that bytes of a head were received. Returns true if they are its first.
    pub fn head_received(&self) -> bool {
        match self.phase.load(Relaxed) {
            IDLE => self.enter(HEAD),
            // The time for the first head has been running since the connection was opened.
            OPENED => self.phase.store(HEAD, Relaxed),
            _ => return false,
        }
        true
    }

    /// Records that everything written so far was handed to the socket.
    pub fn flushed(&self) {
        if self.phase.load(Relaxed) == FLUSHING {
            self.enter(IDLE);
        }
    }

    /// Records whether the head that was just scanned has a `Content-Length`.
    pub fn set_has_length(&self, has_length: bool) {
        self.has_length.store(if has_length { WITH_LENGTH } else { WITHOUT_LENGTH }, Relaxed);
    }

    /// Returns true if the current request certainly has no `Content-Length`, which hyper drops silently from chunked
    /// requests. A head that arrived in the same read as the previous request was not scanned, and is not certain.
    pub fn is_certainly_without_length(&self) -> bool {
        self.has_length.load(Relaxed) == WITHOUT_LENGTH
    }

    /// Requests a lingering close: the client may still be sending, and would not read the error response otherwise.
    pub fn set_lingering(&self) {
        self.is_lingering.store(true, Relaxed);
    }

    pub fn is_lingering(&self) -> bool {
        self.is_lingering.load(Relaxed)
    }

    /// Returns the time until the next check of the client's deadline; `None` if it has passed.
    pub fn time_left(&self, head: Duration, keep_alive: Duration) -> Option<Duration> {
        let limit = match self.phase.load(Relaxed) {
            IDLE => keep_alive,
            HEAD | OPENED => head,
            _ => return Some(head),
        };
        let passed = Duration::from_millis(self.now().saturating_sub(self.since.load(Relaxed)));
        let left = limit.checked_sub(passed).filter(|left| !left.is_zero())?;
        Some(left.min(head))
    }
}

/// A request that is being answered. Lives as long as the body of its response.
#[derive(Debug)]
pub(crate) struct ActiveRequest {
    state: Arc<ConnectionState>,
    active: Gauge,
}

impl ActiveRequest {
    pub fn begin(state: &Arc<ConnectionState>, active: &Gauge) -> Self {
        state.phase.store(ANSWERING, Relaxed);
        active.increment(1.0);
        Self { state: Arc::clone(state), active: active.clone() }
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.state.has_length.store(UNKNOWN, Relaxed);
        self.state.phase.store(FLUSHING, Relaxed);
        self.active.decrement(1.0);
    }
}
