//! Looks into the registry again and again: whole at first, then what changed.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use souk_eureka::{Applications, hash_code};
use souk_values::Timestamp;

use super::{
    Inner, Pace,
    listing::Listing,
    metrics::{self, Fetch},
    replica::{self, Key, Replica},
    servers::{self, Answer, Request, Servers},
};

/// A registry tells changes of the last three minutes. Whoever looked longer ago asks for the whole: the hash counts
/// instances only, so it does not show that one was replaced by another.
const TRUST_DELTA: Duration = Duration::from_secs(90);

/// How soon is looked again when a service is asked for that nobody answers for.
const SOON: Duration = Duration::from_secs(1);

/// The loop's state.
#[derive(Debug)]
pub struct Fetching {
    inner: Arc<Inner>,
    replica: Replica,
    listing: Listing,
    /// When and at which server the replica was last known to be right.
    current: Option<(Timestamp, usize)>,
    /// Whether the last attempt succeeded.
    reachable: Option<bool>,
}

impl Fetching {
    /// With an empty copy.
    pub fn new(inner: Arc<Inner>, listing: Listing) -> Self {
        Self { inner, replica: Replica::default(), listing, current: None, reachable: None }
    }

    /// Never ends.
    pub async fn run(mut self) {
        let mut pace = Pace::new(Duration::from_secs(self.inner.config.fetch_interval_seconds));
        loop {
            let outcome = self.fetch().await;
            pace.note(outcome.is_ok());
            let failure = match outcome {
                Ok(deleted) => {
                    self.listing.update(self.replica.instances(), &deleted, self.inner.clock.now());
                    None
                }
                Err(error) => {
                    // Whoever was away does not know what it missed.
                    self.current = None;
                    Some(error)
                }
            };
            let is_away = failure.is_some();
            self.tell(failure);
            let wanted = async {
                self.inner.directory.wanted().await;
                // Real time: so often, and no more, the registry is asked for what it does not know.
                tokio::time::sleep(SOON / 2 + self.inner.ids.jitter(SOON / 2)).await;
            };
            tokio::select! {
                () = pace.pause(&*self.inner.clock, &self.inner.ids) => {}
                // Somebody asks for a service that is not there, or moved.
                () = wanted, if !is_away => {}
            }
        }
    }

    /// One line when the registry is lost and one when it is back.
    fn tell(&mut self, failure: Option<String>) {
        let was = self.reachable.replace(failure.is_none());
        metrics::reachable(failure.is_none());
        match (was, failure) {
            (Some(false), None) => tracing::info!("the registry is back"),
            (Some(true) | None, Some(error)) => {
                tracing::warn!(error, "no registry answers; services are called where they were known last");
            }
            _ => {}
        }
    }

    /// Answers who was told to be taken out.
    async fn fetch(&mut self) -> Result<BTreeSet<Key>, String> {
        let mut deleted = BTreeSet::new();
        let is_current = match self.current {
            Some((at, server)) if self.inner.clock.now().since(at) <= TRUST_DELTA => {
                self.fetch_delta(server, &mut deleted).await
            }
            _ => false,
        };
        if !is_current {
            self.fetch_whole().await?;
        }
        self.current = Some((self.inner.clock.now(), self.inner.servers.current()));
        Ok(deleted)
    }

    /// Answers whether the copy is right now. What goes wrong here is found out by fetching the whole.
    async fn fetch_delta(&mut self, server: usize, deleted: &mut BTreeSet<Key>) -> bool {
        let request = Request::new(Method::GET, &["apps", "delta"]);
        // 403: this registry gives none.
        let answered = |answer: Answer| {
            if answer.status == StatusCode::FORBIDDEN { Ok(answer) } else { servers::judged(answer) }
        };
        let Ok(answer) = self.inner.servers.ask(&request, answered).await else { return false };
        if answer.status != StatusCode::OK || self.inner.servers.current() != server {
            return false;
        }
        let is_right = match read(&answer.body, self.inner.clock.now()) {
            Ok((delta, _)) => {
                *deleted = replica::deleted(&delta);
                self.replica.apply(delta)
            }
            Err(_) => false,
        };
        metrics::fetched(Fetch::Delta, is_right);
        is_right
    }

    async fn fetch_whole(&mut self) -> Result<(), String> {
        let whole = whole(&self.inner.servers, self.inner.clock.now()).await;
        metrics::fetched(Fetch::Whole, whole.is_ok());
        self.replica.replace(whole?);
        Ok(())
    }
}

/// Everything that the first registry that answers as one knows.
pub async fn whole(servers: &Servers, now: Timestamp) -> Result<Applications, String> {
    let request = Request::new(Method::GET, &["apps", ""]);
    let read_whole = |answer: Answer| {
        let answer = servers::successful(answer)?;
        let (whole, is_all) = read(&answer.body, now)?;
        let counted = hash_code(whole.applications.iter().flat_map(|application| &application.instances));
        // Where something was left out the hash cannot be checked; where there is none, it says nothing.
        if is_all && !whole.hash_code.is_empty() && counted != whole.hash_code {
            let told: String = whole.hash_code.chars().take(100).collect();
            return Err(format!("the registry's answer is not whole: it says {told:?} and lists {counted:?}"));
        }
        Ok(whole)
    };
    servers.ask(&request, read_whole).await.map_err(|away| away.to_string())
}

/// A registry or a part of it, and whether all of it could be read.
fn read(body: &[u8], now: Timestamp) -> Result<(Applications, bool), String> {
    let malformed = |error: &dyn std::fmt::Display| format!("the registry's answer cannot be read: {error}");
    let value: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    let read = Applications::read_what_is_readable(&value, now.millis());
    let (applications, left_out) = read.map_err(|error| malformed(&error))?;
    if let Some(error) = left_out.first() {
        tracing::debug!(%error, count = left_out.len(), "a part of the registry cannot be read and is left out");
    }
    Ok((applications, left_out.is_empty()))
}
