//! Periodic fetch of the registry: in full at first, then its delta.

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
    servers::{self, RegistryRequest, RegistryResponse, Servers},
};

/// Age up to which the replica may be updated by a delta. A registry's delta covers three minutes, and its hash code
/// only counts instances, so it would not reveal that one was replaced by another.
const MAX_DELTA_AGE: Duration = Duration::from_secs(90);

/// Delay of the fetch that a call without a reachable instance causes.
const EARLY_FETCH: Duration = Duration::from_secs(1);

/// State of the fetch loop.
#[derive(Debug)]
pub struct Fetching {
    inner: Arc<Inner>,
    replica: Replica,
    listing: Listing,
    /// Time and server of the last successful fetch; `None` after a failure.
    synced: Option<(Timestamp, usize)>,
    /// Outcome of the last fetch; `None` before the first.
    reachable: Option<bool>,
}

impl Fetching {
    pub fn new(inner: Arc<Inner>, listing: Listing) -> Self {
        Self { inner, replica: Replica::default(), listing, synced: None, reachable: None }
    }

    /// Fetches for ever.
    pub async fn run(mut self) {
        let mut pace = Pace::new(Duration::from_secs(self.inner.config.fetch_interval_seconds));
        loop {
            let outcome = self.fetch().await;
            pace.record(outcome.is_ok());
            let failure = match outcome {
                Ok(deleted) => {
                    self.listing.update(self.replica.instances(), &deleted, self.inner.clock.now());
                    None
                }
                Err(error) => {
                    // Changes may have been missed, so the next fetch is a full one.
                    self.synced = None;
                    Some(error)
                }
            };
            let is_away = failure.is_some();
            self.report(failure);
            let missing_instance = async {
                self.inner.directory.missing_instance().await;
                // Real time, and delayed: it bounds the load on a registry that does not know the instance either.
                tokio::time::sleep(EARLY_FETCH / 2 + self.inner.ids.jitter(EARLY_FETCH / 2)).await;
            };
            tokio::select! {
                () = pace.pause(&*self.inner.clock, &self.inner.ids) => {}
                // A call found no reachable instance: it may have moved.
                () = missing_instance, if !is_away => {}
            }
        }
    }

    /// Logs once when the registry becomes unreachable, and once when it is reachable again.
    fn report(&mut self, failure: Option<String>) {
        let was = self.reachable.replace(failure.is_none());
        metrics::reachable(failure.is_none());
        match (was, failure) {
            (Some(false), None) => tracing::info!("the registry is reachable again"),
            (Some(true) | None, Some(error)) => {
                tracing::warn!(error, "no registry is reachable; calls go to the last known instances");
            }
            _ => {}
        }
    }

    /// Fetches once and returns the instances that the delta reports as deleted.
    async fn fetch(&mut self) -> Result<BTreeSet<Key>, String> {
        let mut deleted = BTreeSet::new();
        let is_current = match self.synced {
            Some((at, server)) if self.inner.clock.now().since(at) <= MAX_DELTA_AGE => {
                self.fetch_delta(server, &mut deleted).await
            }
            _ => false,
        };
        if !is_current {
            self.fetch_full().await?;
        }
        self.synced = Some((self.inner.clock.now(), self.inner.servers.current()));
        Ok(deleted)
    }

    /// Applies the delta. Returns false when the replica is not in sync afterwards and must be fetched in full.
    async fn fetch_delta(&mut self, server: usize, deleted: &mut BTreeSet<Key>) -> bool {
        let request = RegistryRequest::new(Method::GET, &["apps", "delta"]);
        // 403: deltas are disabled at this registry.
        let accept = |response: RegistryResponse| {
            if response.status == StatusCode::FORBIDDEN { Ok(response) } else { servers::answered(response) }
        };
        let Ok(response) = self.inner.servers.send(&request, accept).await else { return false };
        if response.status != StatusCode::OK || self.inner.servers.current() != server {
            return false;
        }
        let is_synced = match parse(&response.body, self.inner.clock.now()) {
            Ok((delta, _)) => {
                *deleted = replica::deleted(&delta);
                self.replica.apply(delta)
            }
            Err(_) => false,
        };
        metrics::fetched(Fetch::Delta, is_synced);
        is_synced
    }

    async fn fetch_full(&mut self) -> Result<(), String> {
        let whole = fetch_all(&self.inner.servers, self.inner.clock.now()).await;
        metrics::fetched(Fetch::Full, whole.is_ok());
        self.replica.replace(whole?);
        Ok(())
    }
}

/// Fetches the whole registry from the first server that returns a consistent one.
pub async fn fetch_all(servers: &Servers, now: Timestamp) -> Result<Applications, String> {
    let request = RegistryRequest::new(Method::GET, &["apps", ""]);
    let accept = |response: RegistryResponse| {
        let response = servers::successful(response)?;
        let (whole, is_complete) = parse(&response.body, now)?;
        let counted = hash_code(whole.applications.iter().flat_map(|application| &application.instances));
        // The hash code counts what could not be parsed too; an absent one proves nothing.
        if is_complete && !whole.hash_code.is_empty() && counted != whole.hash_code {
            let expected: String = whole.hash_code.chars().take(100).collect();
            return Err(format!(
                "the registry's response is incomplete: its hash is {expected:?}, it lists {counted:?}"
            ));
        }
        Ok(whole)
    };
    servers.send(&request, accept).await.map_err(|unreachable| unreachable.to_string())
}

/// Parses a registry or a delta. Returns true with it when no part was malformed and left out.
fn parse(body: &[u8], now: Timestamp) -> Result<(Applications, bool), String> {
    let malformed = |error: &dyn std::fmt::Display| format!("the registry's response cannot be parsed: {error}");
    let value: Value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    let read = Applications::from_json(&value, now.millis());
    let (applications, left_out) = read.map_err(|error| malformed(&error))?;
    if let Some(error) = left_out.first() {
        tracing::debug!(%error, count = left_out.len(), "malformed instances of the registry are left out");
    }
    Ok((applications, left_out.is_empty()))
}
