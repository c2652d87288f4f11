//! What is known of a client's connection: waiting, reading a head, or answering, and since when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use metrics::Gauge;

const WAITING: u8 = 0;
const HEAD: u8 = 1;
const ANSWERING: u8 = 2;
const FLUSHING: u8 = 3;
/// Nothing was read yet; the first head is due.
const OPENED: u8 = 4;

const UNKNOWN: u8 = 0;
const WITHOUT_LENGTH: u8 = 1;
const WITH_LENGTH: u8 = 2;

/// One connection. Shared by its stream, its requests and its watch; all in one task, so that nothing
/// here needs an order of memory.
#[derive(Debug)]
pub(crate) struct Conversation {
    opened: Instant,
    phase: AtomicU8,
    /// When the phase began, milliseconds after `opened`.
    since: AtomicU64,
    length_of_head: AtomicU8,
    lingers: AtomicBool,
}

impl Conversation {
    /// A connection that was just opened: its first head is due.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            phase: AtomicU8::new(OPENED),
            since: AtomicU64::new(0),
            length_of_head: AtomicU8::new(UNKNOWN),
            lingers: AtomicBool::new(false),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Relaxed);
        self.since.store(self.now(), Relaxed);
    }

    /// Whether bytes that are read now belong to a head.
    pub fn is_between_requests(&self) -> bool {
        matches!(self.phase.load(Relaxed), WAITING | HEAD | OPENED)
    }

    /// Bytes of a head were read. Answers whether they are its first.
    pub fn head_goes_on(&self) -> bool {
        match self.phase.load(Relaxed) {
            WAITING => self.enter(HEAD),
            // The time for the first head runs since the connection was opened.
            OPENED => self.phase.store(HEAD, Relaxed),
            _ => return false,
        }
        true
    }

    /// Everything written so far is on its way.
    pub fn flushed(&self) {
        if self.phase.load(Relaxed) == FLUSHING {
            self.enter(WAITING);
        }
    }

    /// A head was seen to its end, with or without a `Content-Length`.
    pub fn head_was_seen(&self, has_length: bool) {
        self.length_of_head.store(if has_length { WITH_LENGTH } else { WITHOUT_LENGTH }, Relaxed);
    }

    /// Whether the present request, which is chunked, surely has no `Content-Length` as well: hyper drops
    /// it silently. Of a head that came in one piece with the request before it that is not known.
    pub fn is_surely_without_length(&self) -> bool {
        self.length_of_head.load(Relaxed) == WITHOUT_LENGTH
    }

    /// After the end of this connection the client may still be sending: hear it out, or it never reads
    /// why it was refused.
    pub fn linger(&self) {
        self.lingers.store(true, Relaxed);
    }

    pub fn lingers(&self) -> bool {
        self.lingers.load(Relaxed)
    }

    /// How long until it is worth looking again; `None` when the client has used up its time.
    pub fn time_left(&self, head: Duration, keep_alive: Duration) -> Option<Duration> {
        let limit = match self.phase.load(Relaxed) {
            WAITING => keep_alive,
            HEAD | OPENED => head,
            _ => return Some(head),
        };
        let passed = Duration::from_millis(self.now().saturating_sub(self.since.load(Relaxed)));
        let left = limit.checked_sub(passed).filter(|left| !left.is_zero())?;
        Some(left.min(head))
    }
}

/// A request that is being answered; lives as long as the body of its answer.
#[derive(Debug)]
pub(crate) struct Answering {
    conversation: Arc<Conversation>,
    active: Gauge,
}

impl Answering {
    /// A request was read.
    pub fn begin(conversation: &Arc<Conversation>, active: &Gauge) -> Self {
        conversation.phase.store(ANSWERING, Relaxed);
        active.increment(1.0);
        Self { conversation: Arc::clone(conversation), active: active.clone() }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.conversation.length_of_head.store(UNKNOWN, Relaxed);
        self.conversation.phase.store(FLUSHING, Relaxed);
        self.active.decrement(1.0);
    }
}
