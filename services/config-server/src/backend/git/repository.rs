//! One repository: runs its refreshes and returns its current state.
//!
//! A refresh runs on a thread of its own, one at a time, and depends on no request: a client may disconnect. Requests
//! wait for it for `timeout` at most, and are then answered from the last known state.

mod machine;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use chrono::{DateTime, TimeZone as _, Utc};
use gix::ObjectId;
use parking_lot::Mutex;
use souk_values::Clock;
use tokio::{
    sync::{Semaphore, oneshot, watch},
    time::{Instant, timeout},
};

use super::{
    fetch::{FetchOptions, fetch},
    label_times::LabelTimes,
    local,
    mirror::{Basedir, Mirror},
    objects::{ObjectCache, Objects},
    origin::{Origin, Source},
    refs::Refs,
};
use crate::backend::error::BackendError;
use machine::{MAX_REFRESH_TIME, Machine, Plan, RefreshId, Transition, Turn};

#[derive(Debug, Clone)]
pub(super) struct RefreshOptions {
    /// Time between two refreshes, from `refresh-rate`; `None` refreshes only once.
    pub interval: Option<Duration>,
    pub fetch: FetchOptions,
}

/// A state of a repository that requests can be answered from.
#[derive(Debug)]
pub(super) struct RepositoryState {
    pub refs: Refs,
    pub objects: Arc<Objects>,
    pub folder: PathBuf,
}

/// The parts that all repositories of a backend share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub basedir: Arc<Basedir>,
    pub cache: Arc<ObjectCache>,
    pub clock: Arc<dyn Clock>,
}

#[derive(Debug)]
pub(super) struct Repository {
    pub origin: Origin,
    options: RefreshOptions,
    mirror_name: String,
    shared: Shared,
    /// Permits to refresh, shared with the other repositories of the entry; `None` needs no permit.
    slots: Option<Arc<Semaphore>>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    machine: Machine<Arc<RepositoryState>>,
    mirror: Option<Arc<Mirror>>,
    /// The latest refresh, which the machine's requests join.
    refresh: RefreshHandle,
    label_times: LabelTimes,
}

#[derive(Debug)]
struct RefreshHandle {
    ended: watch::Receiver<bool>,
    interrupted: Arc<AtomicBool>,
}

impl Repository {
    pub fn new(
        origin: Origin,
        options: RefreshOptions,
        mirror_name: String,
        shared: Shared,
        slots: Option<Arc<Semaphore>>,
    ) -> Arc<Self> {
        let inner = Inner {
            machine: Machine::new(options.interval),
            mirror: None,
            refresh: RefreshHandle { ended: watch::channel(true).1, interrupted: Arc::default() },
            label_times: LabelTimes::default(),
        };
        Arc::new(Self { origin, options, mirror_name, shared, slots, inner: Mutex::new(inner) })
    }

    /// Makes later requests wait for a refresh that starts after this call, however recent the last one is.
    pub fn expire(&self) {
        self.inner.lock().machine.expire();
    }

    /// Returns the state to answer from, after a refresh if one is due.
    ///
    /// Errors: the repository cannot be used, and no earlier state of it is known.
    pub async fn current(self: &Arc<Self>) -> Result<Arc<RepositoryState>, BackendError> {
        self.refreshed_within(self.options.fetch.timeout).await
    }

    /// Returns the state to answer from, like [`Repository::current`], but waits for as long as a first copy may take.
    pub async fn cloned(self: &Arc<Self>) -> Result<Arc<RepositoryState>, BackendError> {
        self.refreshed_within(MAX_REFRESH_TIME).await
    }

    async fn refreshed_within(self: &Arc<Self>, limit: Duration) -> Result<Arc<RepositoryState>, BackendError> {
        let plan = self.inner.lock().machine.plan(self.shared.clock.now(), limit);
        let (expirations, wait) = match plan {
            Plan::Serve(state) => return Ok(state),
            Plan::Refresh { expirations, timeout } => (expirations, timeout),
        };
        let is_in_time = timeout(wait, self.refreshed_since(expirations)).await.is_ok();
        let mut inner = self.inner.lock();
        if !is_in_time {
            self.log(inner.machine.time_out(limit));
        }
        // Even after a timeout there may be a newer state than at the beginning: the mirror of an earlier process.
        inner.machine.last_known().cloned().ok_or_else(|| {
            let reason = inner.machine.failure().unwrap_or("it could not be read");
            BackendError::Unusable(format!("the repository {} cannot be used: {reason}", self.origin.display_uri))
        })
    }

    /// Waits for the end of a refresh that covers `expirations`.
    async fn refreshed_since(self: &Arc<Self>, expirations: u64) {
        loop {
            let (mut ended, is_covered) = {
                let mut inner = self.inner.lock();
                let ended = self.join_or_start(&mut inner);
                (ended, inner.machine.covers(expirations))
            };
            let is_ended = ended.wait_for(|ended| *ended).await.is_ok();
            if is_covered || !is_ended {
                return;
            }
        }
    }

    fn join_or_start(self: &Arc<Self>, inner: &mut Inner) -> watch::Receiver<bool> {
        if let Turn::Start(id) = inner.machine.join_or_start(self.shared.clock.now(), Instant::now()) {
            // The previous one has ended or was abandoned.
            inner.refresh.interrupted.store(true, Ordering::SeqCst);
            let (end, ended) = watch::channel(false);
            inner.refresh = RefreshHandle { ended, interrupted: Arc::default() };
            tokio::spawn(Arc::clone(self).run(id, Arc::clone(&inner.refresh.interrupted), end));
        }
        inner.refresh.ended.clone()
    }

    /// Runs one refresh, then reports its end.
    async fn run(self: Arc<Self>, id: RefreshId, interrupted: Arc<AtomicBool>, end: watch::Sender<bool>) {
        let _slot = match &self.slots {
            Some(slots) => Arc::clone(slots).acquire_owned().await.ok(),
            None => None,
        };
        let (send, received) = oneshot::channel();
        let reader = Arc::clone(&self);
        // A thread of its own: a runtime that shuts down waits for its blocking threads, and a remote may hang.
        let thread = thread::Builder::new().name("git".to_owned());
        let spawned = thread.spawn(move || {
            let read = reader.read(&interrupted);
            // Once the end is reported, this thread must hold no reference: whoever drops the last one then expects the
            // mirror to be unlocked.
            drop(reader);
            let _ = send.send(read);
        });
        let read = match spawned {
            Ok(_) => received.await.unwrap_or_else(|_| Err("reading it ended unexpectedly".to_owned())),
            Err(error) => Err(format!("no thread could be started to read it: {error}")),
        };
        let transition = self.inner.lock().machine.finish(id, read.map(Arc::new));
        self.log(transition);
        drop(self);
        end.send_replace(true);
    }

    /// Brings the mirror to the state of the repository.
    fn read(&self, interrupted: &AtomicBool) -> Result<RepositoryState, String> {
        let mirror = self.mirror()?;
        let existed = mirror.exists();
        if existed && self.last_known().is_none() {
            let refs = mirror.refs()?;
            if !refs.is_empty() {
                let state = Arc::new(self.state_of(&mirror, refs));
                self.inner.lock().machine.adopt(state);
            }
        }
        let read = match &self.origin.source {
            Source::Folder(source) => {
                let known = self.last_known();
                local::copy(source, &mirror, known.as_ref().map(|state| &state.refs))
            }
            Source::Remote(url) => fetch(url, &self.origin, &mirror, self.options.fetch, interrupted),
        };
        if read.is_err() && !existed {
            let mut inner = self.inner.lock();
            // Two references are ours and that in `inner`. A third belongs to a later refresh, which started because
            // this one was abandoned, and is using the mirror.
            if Arc::strong_count(&mirror) <= 2 {
                inner.mirror = None;
                mirror.discard();
            }
        }
        read.map(|refs| self.state_of(&mirror, refs)).map_err(|error| self.origin.without_password(error))
    }

    fn last_known(&self) -> Option<Arc<RepositoryState>> {
        self.inner.lock().machine.last_known().cloned()
    }

    fn state_of(&self, mirror: &Mirror, refs: Refs) -> RepositoryState {
        let folder = mirror.folder.clone();
        let objects = Objects::new(folder.clone(), Arc::clone(&self.shared.cache), Arc::clone(&self.shared.basedir));
        RepositoryState { refs, objects: Arc::new(objects), folder }
    }

    fn mirror(&self) -> Result<Arc<Mirror>, String> {
        let mut inner = self.inner.lock();
        if let Some(mirror) = &inner.mirror {
            return Ok(Arc::clone(mirror));
        }
        let mirror = Arc::new(Mirror::new(&self.shared.basedir, &self.mirror_name)?);
        inner.mirror = Some(Arc::clone(&mirror));
        Ok(mirror)
    }

    /// Removes the mirror from disk, unless a snapshot may still read from it. No refresh may be in progress.
    pub fn remove_mirror(&self) {
        let mut inner = self.inner.lock();
        let is_read =
            |state: &Arc<RepositoryState>| Arc::strong_count(state) > 1 || Arc::strong_count(&state.objects) > 1;
        if !inner.machine.last_known().is_some_and(is_read)
            && let Some(mirror) = inner.mirror.take()
        {
            mirror.discard();
        }
    }

    pub fn first_seen(&self, label: &str, commit: ObjectId) -> Option<DateTime<Utc>> {
        let now = Utc.timestamp_millis_opt(self.shared.clock.now().millis()).single()?;
        Some(self.inner.lock().label_times.first_seen(label, commit, now))
    }

    /// Returns the reason of the current outage, though requests may still be answered from the last known state.
    pub fn warning(&self) -> Option<String> {
        let inner = self.inner.lock();
        inner.machine.failure().map(|reason| format!("{}: {reason}", self.origin.display_uri))
    }

    fn log(&self, transition: Option<Transition>) {
        let uri = &self.origin.display_uri;
        match transition {
            Some(Transition::Failed { reason, has_last_known }) => {
                let served =
                    if has_last_known { "its last known state is served" } else { "no earlier state is known" };
                tracing::warn!(repository.uri = uri, reason, "repository cannot be read; {served}");
            }
            Some(Transition::Recovered) => tracing::info!(repository.uri = uri, "repository can be read again"),
            None => {}
        }
    }
}
