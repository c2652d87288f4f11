//! Looks into the registry again and again: whole at first, then what changed.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, StatusCode};
use souk_eureka::Applications;
use souk_values::Timestamp;

use super::{
    Inner, Pace,
    listing::Listing,
    metrics::{self, Fetch},
    replica::Replica,
    servers::{self, Request},
};

/// A registry tells changes of the last three minutes. Whoever looked longer ago asks for the whole: the hash counts
/// instances only, so it does not show that one was replaced by another.
const TRUST_DELTA: Duration = Duration::from_secs(90);

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
            match outcome {
                Ok(()) => self.listing.update(self.replica.instances(), self.inner.clock.now()),
                // Whoever was away does not know what it missed.
                Err(_) => self.current = None,
            }
            self.tell(outcome.err());
            pace.pause(&*self.inner.clock, &self.inner.ids).await;
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

    async fn fetch(&mut self) -> Result<(), String> {
        let is_current = match self.current {
            Some((at, server)) if self.inner.clock.now().since(at) <= TRUST_DELTA => self.fetch_delta(server).await,
            _ => false,
        };
        if !is_current {
            self.fetch_whole().await?;
        }
        self.current = Some((self.inner.clock.now(), self.inner.servers.current()));
        Ok(())
    }

    /// Answers whether the copy is right now. What goes wrong here is found out by fetching the whole.
    async fn fetch_delta(&mut self, server: usize) -> bool {
        let request = Request::new(Method::GET, &["apps", "delta"]);
        // 403: this registry gives none.
        let is_answer = |status| servers::is_judgement(status) || status == StatusCode::FORBIDDEN;
        let Ok(answer) = self.inner.servers.ask(&request, is_answer).await else { return false };
        if answer.status != StatusCode::OK || self.inner.servers.current() != server {
            return false;
        }
        let is_right = self.read(&answer.body).is_ok_and(|delta| self.replica.apply(delta));
        metrics::fetched(Fetch::Delta, is_right);
        is_right
    }

    async fn fetch_whole(&mut self) -> Result<(), String> {
        let request = Request::new(Method::GET, &["apps", ""]);
        let outcome = async {
            let answer = self.inner.servers.ask(&request, |status| status.is_success()).await;
            self.read(&answer.map_err(|away| away.to_string())?.body)
        };
        let whole = outcome.await;
        metrics::fetched(Fetch::Whole, whole.is_ok());
        self.replica.replace(whole?);
        Ok(())
    }

    fn read(&self, body: &[u8]) -> Result<Applications, String> {
        let malformed = |error: &dyn std::fmt::Display| format!("the registry's answer cannot be read: {error}");
        let value = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
        Applications::from_json(&value, self.inner.clock.now().millis()).map_err(|error| malformed(&error))
    }
}
