//! Threads that hash passwords: a few, each with memory that it reuses, behind short queues.
//!
//! A hash takes 19 MiB and 20 ms. On tokio's blocking threads a flood of sign-ins left that memory behind in every thread of
//! the process's allocator, and queued without a limit, so that everyone waited for as long as the flood lasted.

use std::{
    collections::VecDeque,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use argon2::Block;
use parking_lot::{Condvar, Mutex};
use souk_kit::StartError;
use tokio::sync::oneshot;

use crate::error::AuthError;

/// Limit of threads, and so of memory: each has 19 MiB while it is in use.
const MAX_THREADS: usize = 3;
/// Time without work after which a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(2);

/// The queue that a hash waits in. One that is full does not hold up the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Callers with a token, and sign-ins from a device that the user has signed in from before. Served first.
    Known,
    /// New passwords: registrations and resets.
    New,
    /// Sign-ins of which nothing is known.
    Stranger,
}

impl Lane {
    /// Hashes that may wait. The last one waits about a second, on one thread.
    fn capacity(self) -> usize {
        match self {
            Self::Known | Self::New => 64,
            Self::Stranger => 32,
        }
    }
}

/// Memory of a thread, as many blocks as the last hash took.
pub(crate) type Memory = Vec<Block>;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// The threads and their queues. The threads end with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct HashingThreads(Arc<Threads>);

#[derive(Debug)]
struct Threads(Arc<Queues>);

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.waiting.lock().is_stopped = true;
        self.0.woken.notify_all();
    }
}

#[derive(Debug, Default)]
struct Queues {
    waiting: Mutex<Waiting>,
    woken: Condvar,
}

#[derive(Default)]
struct Waiting {
    known: VecDeque<Job>,
    new: VecDeque<Job>,
    strangers: VecDeque<Job>,
    /// True if a stranger is served before a new password the next time.
    is_strangers_turn: bool,
    is_stopped: bool,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths = (self.known.len(), self.new.len(), self.strangers.len());
        f.debug_tuple("Waiting").field(&lengths).finish()
    }
}

impl Waiting {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Job> {
        match lane {
            Lane::Known => &mut self.known,
            Lane::New => &mut self.new,
            Lane::Stranger => &mut self.strangers,
        }
    }

    fn take(&mut self) -> Option<Job> {
        if let Some(job) = self.known.pop_front() {
            return Some(job);
        }
        self.is_strangers_turn = !self.is_strangers_turn;
        if self.is_strangers_turn {
            self.strangers.pop_front().or_else(|| self.new.pop_front())
        } else {
            self.new.pop_front().or_else(|| self.strangers.pop_front())
        }
    }
}

impl HashingThreads {
    /// Starts one thread for each core, at most three.
    pub(crate) fn start() -> Result<Self, StartError> {
        let queues = Arc::<Queues>::default();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        for number in 0..cores.min(MAX_THREADS) {
            let queues = Arc::clone(&queues);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work(&queues))
                .map_err(|error| StartError::Io("a thread that hashes passwords".to_owned(), error))?;
        }
        Ok(Self(Arc::new(Threads(queues))))
    }

    /// Runs `work` on one of the threads. Errors: `Busy` if too many wait in this lane.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // The caller may have gone while it waited.
            if !done.is_closed() {
                let _ = done.send(work(memory));
            }
        });
        {
            let mut waiting = self.0.0.waiting.lock();
            let queue = waiting.lane(lane);
            if queue.len() >= lane.capacity() {
                return Err(AuthError::Busy);
            }
            queue.push_back(job);
        }
        self.0.0.woken.notify_one();
        result.await.map_err(|_| AuthError::Defect("the hashing of a password panicked".to_owned()))
    }
}

fn work(queues: &Queues) {
    let mut memory = Memory::new();
    let mut waiting = queues.waiting.lock();
    while !waiting.is_stopped {
        let Some(job) = waiting.take() else {
            if queues.woken.wait_for(&mut waiting, IDLE).timed_out() && memory.capacity() > 0 {
                memory = Memory::new();
            }
            continue;
        };
        parking_lot::MutexGuard::unlocked(&mut waiting, || {
            // A thread that ended would leave the others less, and the last one nothing.
            let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::future::join_all;

    use super::*;

    /// Occupies all threads until the sender is dropped.
    async fn occupy(threads: &HashingThreads) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let released = Arc::new(std::sync::Mutex::new(released));
        let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
        let count = std::thread::available_parallelism().map_or(1, NonZero::get).min(MAX_THREADS);
        for _ in 0..count {
            let (threads, released, begun) = (threads.clone(), Arc::clone(&released), begun.clone());
            tokio::spawn(async move {
                let wait = move |_: &mut Memory| {
                    begun.send(()).unwrap();
                    let _ = released.lock().unwrap().recv();
                };
                threads.run(Lane::Known, wait).await.unwrap();
            });
        }
        for _ in 0..count {
            has_begun.recv().await.unwrap();
        }
        release
    }

    #[tokio::test]
    async fn a_full_lane_refuses_at_once_and_the_others_are_served() {
        let threads = HashingThreads::start().unwrap();
        let release = occupy(&threads).await;
        let strangers: Vec<_> = (0..Lane::Stranger.capacity())
            .map(|_| {
                let threads = threads.clone();
                tokio::spawn(async move { threads.run(Lane::Stranger, |_| ()).await })
            })
            .collect();
        while threads.0.0.waiting.lock().strangers.len() < Lane::Stranger.capacity() {
            tokio::task::yield_now().await;
        }
        assert!(matches!(threads.run(Lane::Stranger, |_| ()).await, Err(AuthError::Busy)));
        let known = tokio::spawn({
            let threads = threads.clone();
            async move { threads.run(Lane::Known, |_| ()).await }
        });
        drop(release);
        known.await.unwrap().unwrap();
        for served in join_all(strangers).await {
            served.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_panic_ends_no_thread_and_a_caller_who_left_costs_nothing() {
        let threads = HashingThreads::start().unwrap();
        for _ in 0..2 * MAX_THREADS {
            let panicked: Result<(), _> = threads.run(Lane::New, |_| panic!("on purpose")).await;
            assert!(matches!(panicked, Err(AuthError::Defect(_))));
        }
        let release = occupy(&threads).await;
        let (ran, has_run) = mpsc::channel();
        let mut left = Box::pin(threads.run(Lane::Stranger, move |_| ran.send(())));
        assert!(futures::poll!(&mut left).is_pending());
        drop(left);
        drop(release);
        threads.run(Lane::Stranger, |_| ()).await.unwrap();
        assert!(has_run.recv().is_err(), "its work was dropped");
    }
}
