//! One repository: what is known of it, and when it is looked at again.
//!
//! Looking happens on a thread of its own, one at a time, whoever asks. Requests wait for it as long as `timeout`
//! says and are then answered from what is known. Nothing of it depends on a request, so a client may go away.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use chrono::{DateTime, TimeZone as _, Utc};
use gix::ObjectId;
use souk_values::{Clock, Timestamp};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use super::{
    super::BackendError,
    fetch::{Manner, fetch},
    local,
    mirror::{Basedir, Mirror},
    objects::{Kept, Objects},
    origin::{Origin, Place},
    refs::Refs,
};

/// How long a request waits for a repository that let an earlier one wait in vain, when there is something to answer.
const IMPATIENCE: Duration = Duration::from_millis(500);
/// A look at a repository that takes longer does not keep others from beginning.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(600);
/// How many such looks there may be at once.
const MOST_GIVEN_UP: usize = 3;
/// Of how many labels it is remembered when they moved.
const LABELS_SEEN: usize = 1_000;

/// How one repository is read.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// Seconds, as configured.
    pub refresh_rate: i64,
    pub manner: Manner,
}

/// What is known of a repository.
#[derive(Debug)]
pub(super) struct Known {
    pub refs: Refs,
    pub objects: Arc<Objects>,
    pub folder: std::path::PathBuf,
}

#[derive(Debug)]
pub(super) struct Repository {
    pub origin: Origin,
    terms: Terms,
    /// Of its copy.
    name: String,
    basedir: Arc<Basedir>,
    kept: Arc<Kept>,
    clock: Arc<dyn Clock>,
    /// How many repositories of its kind may be looked at at once; `None`: it is one of few.
    slots: Option<Arc<Semaphore>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Known>>,
    mirror: Option<Arc<Mirror>>,
    look: Option<Look>,
    looks: u64,
    /// How often somebody was told that it changed.
    expired: u64,
    given_up: usize,
    looked: Option<Timestamp>,
    /// Why the last look failed.
    trouble: Option<String>,
    /// Whether it let somebody wait in vain.
    is_slow: bool,
    seen: HashMap<String, (ObjectId, DateTime<Utc>)>,
}

/// A look that is under way.
#[derive(Debug)]
struct Look {
    number: u64,
    /// [`State::expired`] when it began: it need not see what came later.
    expired: u64,
    began: Instant,
    ended: watch::Receiver<bool>,
    interrupted: Arc<AtomicBool>,
}

impl Repository {
    pub fn new(
        origin: Origin,
        terms: Terms,
        name: String,
        shared: (&Arc<Basedir>, &Arc<Kept>, &Arc<dyn Clock>),
        slots: Option<Arc<Semaphore>>,
    ) -> Arc<Self> {
        let (basedir, kept, clock) = (Arc::clone(shared.0), Arc::clone(shared.1), Arc::clone(shared.2));
        Arc::new(Self { origin, terms, name, basedir, kept, clock, slots, state: Mutex::default() })
    }

    /// Whoever asks from now on is answered from a look that began after this, however short ago the last one was.
    pub fn expire(&self) {
        let mut state = self.state();
        state.looked = None;
        state.expired += 1;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state to answer from, after a look at the repository if one is due.
    ///
    /// Errors: it cannot be used, and nothing is known of it.
    pub async fn current(self: &Arc<Self>) -> Result<Arc<Known>, BackendError> {
        self.within(self.terms.manner.timeout).await
    }

    /// [`Repository::current`], but waiting as long as a first copy may take.
    pub async fn cloned(self: &Arc<Self>) -> Result<Arc<Known>, BackendError> {
        self.within(GIVEN_UP_AFTER).await
    }

    async fn within(self: &Arc<Self>, longest: Duration) -> Result<Arc<Known>, BackendError> {
        let (known, expired, patience) = {
            let state = self.state();
            if let Some(known) = state.known.clone()
                && !self.is_due(&state)
            {
                return Ok(known);
            }
            let is_impatient = state.known.is_some() && state.is_slow;
            let patience = if is_impatient { IMPATIENCE.min(longest) } else { longest };
            (state.known.clone(), state.expired, patience)
        };
        let in_time = tokio::time::timeout(patience, self.looked_since(expired)).await.is_ok();
        let mut state = self.state();
        if !in_time {
            state.is_slow = true;
            let seconds = longest.as_secs();
            self.fell_ill(&mut state, format!("it has not answered within {seconds} s"));
        }
        // What was read meanwhile, even from the copy of an earlier run, is better than what was known before.
        state.known.clone().or(known).ok_or_else(|| self.unusable(&state))
    }

    /// Ends with a look that began when [`State::expired`] was at least `expired`.
    async fn looked_since(self: &Arc<Self>, expired: u64) {
        loop {
            let (mut ended, is_recent) = {
                let mut state = self.state();
                let ended = self.look(&mut state);
                (ended, state.look.as_ref().is_none_or(|look| look.expired >= expired))
            };
            let is_told = ended.wait_for(|ended| *ended).await.is_ok();
            if is_recent || !is_told {
                return;
            }
        }
    }

    fn unusable(&self, state: &State) -> BackendError {
        let trouble = state.trouble.as_deref().unwrap_or("it could not be read");
        BackendError::Unusable(format!("the repository {} cannot be used: {trouble}", self.origin.shown))
    }

    /// Why the last look at the repository failed, though it may still be answered from what is known.
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.as_ref().map(|trouble| format!("{}: {trouble}", self.origin.shown))
    }

    /// When `label` came to be at `commit`, as far as this server saw. Never the same second for two commits.
    pub fn seen(&self, label: &str, commit: ObjectId) -> Option<DateTime<Utc>> {
        let now = Utc.timestamp_millis_opt(self.clock.now().millis()).single()?;
        let mut state = self.state();
        let at = match state.seen.get(label) {
            Some((known, at)) if *known == commit => return Some(*at),
            Some((_, at)) => now.max(*at + Duration::from_secs(1)),
            None => now,
        };
        if state.seen.len() >= LABELS_SEEN {
            state.seen.clear();
        }
        state.seen.insert(label.to_owned(), (commit, at));
        Some(at)
    }

    fn is_due(&self, state: &State) -> bool {
        let Some(looked) = state.looked else { return true };
        match u64::try_from(self.terms.refresh_rate) {
            Ok(seconds) => self.clock.now().since(looked) >= Duration::from_secs(seconds),
            Err(_) => false,
        }
    }

    /// Joins the look that is under way, or begins one.
    fn look(self: &Arc<Self>, state: &mut State) -> watch::Receiver<bool> {
        if let Some(look) = &state.look {
            let is_given_up = look.began.elapsed() > GIVEN_UP_AFTER && state.given_up < MOST_GIVEN_UP;
            if !is_given_up {
                return look.ended.clone();
            }
            look.interrupted.store(true, Ordering::SeqCst);
            state.given_up += 1;
        }
        state.looks += 1;
        state.looked = Some(self.clock.now());
        let (end, ended) = watch::channel(false);
        let look = Look {
            number: state.looks,
            expired: state.expired,
            began: Instant::now(),
            ended: ended.clone(),
            interrupted: Arc::default(),
        };
        let (number, interrupted) = (look.number, Arc::clone(&look.interrupted));
        state.look = Some(look);
        let repository = Arc::clone(self);
        tokio::spawn(async move {
            let _slot = match repository.slots.clone() {
                Some(slots) => slots.acquire_owned().await.ok(),
                None => None,
            };
            let (tell, told) = tokio::sync::oneshot::channel();
            let looking = Arc::clone(&repository);
            // A thread of its own: the runtime waits for its blocking threads when it ends, and a remote may hang.
            let thread = thread::Builder::new().name("git".to_owned());
            let begun = thread.spawn(move || {
                let read = looking.read(&interrupted);
                // Whoever hears of the end may count on nothing being held any more.
                drop(looking);
                let _ = tell.send(read);
            });
            let read = match begun {
                Ok(_) => told.await.unwrap_or_else(|_| Err("reading it failed in an unforeseen way".to_owned())),
                Err(error) => Err(format!("no thread for it: {error}")),
            };
            repository.finish(number, read);
            drop(repository);
            end.send_replace(true);
        });
        ended
    }

    /// Reads the repository into its copy.
    fn read(&self, interrupted: &AtomicBool) -> Result<Known, String> {
        let mirror = self.mirror()?;
        let existed = mirror.exists();
        if existed && self.state().known.is_none() {
            let refs = mirror.refs()?;
            if !refs.is_empty() {
                self.state().known.get_or_insert_with(|| Arc::new(self.known(&mirror, refs)));
            }
        }
        let read = match &self.origin.place {
            Place::Folder(source) => {
                let known = self.state().known.clone();
                local::copy(source, &mirror, known.as_ref().map(|known| &known.refs))
            }
            Place::Remote(url) => fetch(url, &self.origin, &mirror, self.terms.manner, interrupted),
        };
        if read.is_err() && !existed {
            let mut state = self.state();
            // The state's and ours; one more is that of a later look, which began because this one took too long.
            if Arc::strong_count(&mirror) <= 2 {
                state.mirror = None;
                mirror.discard();
            }
        }
        read.map(|refs| self.known(&mirror, refs)).map_err(|error| self.origin.without_password(error))
    }

    fn known(&self, mirror: &Mirror, refs: Refs) -> Known {
        let folder = mirror.folder.clone();
        let objects = Objects::new(folder.clone(), Arc::clone(&self.kept), Arc::clone(&self.basedir));
        Known { refs, objects: Arc::new(objects), folder }
    }

    fn mirror(&self) -> Result<Arc<Mirror>, String> {
        let mut state = self.state();
        if let Some(mirror) = &state.mirror {
            return Ok(Arc::clone(mirror));
        }
        let mirror = Arc::new(Mirror::new(&self.basedir, &self.name)?);
        state.mirror = Some(Arc::clone(&mirror));
        Ok(mirror)
    }

    /// Removes what it has on disk, unless a snapshot may still be read. Nobody may look at it meanwhile.
    pub fn remove_copy(&self) {
        let mut state = self.state();
        let is_read = |known: &Arc<Known>| Arc::strong_count(known) > 1 || Arc::strong_count(&known.objects) > 1;
        if !state.known.as_ref().is_some_and(is_read)
            && let Some(mirror) = state.mirror.take()
        {
            mirror.discard();
        }
    }

    fn finish(&self, number: u64, read: Result<Known, String>) {
        let mut state = self.state();
        if state.look.as_ref().is_none_or(|look| look.number != number) {
            // It was given up; a later one knows better.
            state.given_up = state.given_up.saturating_sub(1);
            return;
        }
        state.look = None;
        match read {
            Ok(known) => {
                if state.trouble.take().is_some() {
                    tracing::info!(repository.uri = %self.origin.shown, "the repository works again");
                }
                state.is_slow = false;
                state.known = Some(Arc::new(known));
            }
            Err(trouble) => self.fell_ill(&mut state, trouble),
        }
    }

    fn fell_ill(&self, state: &mut State, trouble: String) {
        if state.trouble.is_none() {
            let answered =
                if state.known.is_some() { "the last known state is served" } else { "nothing is known of it" };
            tracing::warn!(repository.uri = %self.origin.shown, reason = %trouble, "the repository cannot be read; {answered}");
        }
        state.trouble = Some(trouble);
    }
}
