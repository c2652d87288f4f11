//! The client of the config server: fetches the configuration of a process's services as [`Sources`].
//!
//! `SOUK_CONFIG_URL` is a comma-separated list of servers, tried in order; `http://user:password@host:8888` signs in.
//! `SOUK_CONFIG_PROFILES` defaults to `default`, `SOUK_CONFIG_LABEL` to the server's own label. `SOUK_CONFIG_TOKEN` is for
//! servers without a user. `SOUK_CONFIG_TIMEOUT_SECONDS`, 60 by default, limits the wait for a server at a start.

mod fetch;
mod response;
#[cfg(test)]
mod tests;
mod variables;

use std::time::Duration;

use futures::future::BoxFuture;
use souk_values::{IdGen, Secret};
use url::Url;

use crate::{
    config::{ConfigError, Sources},
    environment,
};

/// Pause after the first failed attempt; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Upper bound of the pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Client of the configured config servers. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    servers: Vec<Server>,
    profiles: Vec<String>,
    label: Option<String>,
    /// Time limit of [`Self::fetch_with_retries`].
    timeout: Duration,
    http: reqwest::Client,
}

/// A config server and the credentials for it.
#[derive(Debug, Clone)]
struct Server {
    /// URL without user and password, fit to be shown.
    base: Url,
    sign_in: SignIn,
}

#[derive(Debug, Clone)]
enum SignIn {
    Nothing,
    Basic { user: String, password: Secret },
    Token(Secret),
}

/// Configuration fetched from a config server.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Property sources, the weakest first.
    pub sources: Sources,
    /// Commit of the configuration; `None` unless it is from a Git repository.
    pub version: Option<String>,
}

/// A failed fetch. Its text holds neither user nor password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// No server is available at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// A server refuses the request or lacks the configuration; a retry does not help.
    #[error("{0}")]
    Refused(String),
    /// No server became available within the time limit.
    #[error("{0}")]
    TimedOut(String),
}

impl FetchError {
    /// True when a retry makes sense.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl RemoteConfig {
    /// Reads the environment. Returns `None` when no config server is configured.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from_variables(environment::variable)
    }

    /// Reads the variables above through `variable`. Returns `None` when `SOUK_CONFIG_URL` is not set or empty.
    ///
    /// Errors: every invalid variable, without its value, which may hold a password.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        variables::read(variable)
    }

    /// Replaces the profiles unless `profiles` is empty. Errors: an invalid profile name.
    pub fn with_profiles(mut self, profiles: &[String]) -> Result<Self, ConfigError> {
        let wrong: Vec<String> = profiles.iter().filter_map(|profile| variables::mistake_of_profile(profile)).collect();
        if !wrong.is_empty() {
            return Err(ConfigError(wrong));
        }
        if !profiles.is_empty() {
            self.profiles = profiles.to_vec();
        }
        Ok(self)
    }

    /// Returns the URLs of the servers, without user and password.
    #[must_use]
    pub fn servers(&self) -> Vec<&str> {
        self.servers.iter().map(|server| server.base.as_str().trim_end_matches('/')).collect()
    }

    /// Fetches the configuration of `services` from the first server that is available. Files of later services win over
    /// those of earlier ones.
    ///
    /// Errors: no server is available (transient); a server refuses. A value that the server cannot decrypt is reported as
    /// a mistake when its section is read.
    pub async fn fetch(&self, services: &[&str]) -> Result<Fetched, FetchError> {
        let mut unavailable = Vec::new();
        for server in &self.servers {
            // Boxed, since the callers' futures are large already.
            let fetched: BoxFuture<'_, _> = Box::pin(self.fetch_from(server, services));
            match fetched.await {
                Err(FetchError::Unavailable(cause)) => unavailable.push(cause),
                settled => return settled,
            }
        }
        Err(FetchError::Unavailable(unavailable.join("; ")))
    }

    /// Retries [`Self::fetch`] while no server is available, up to the time limit. Logs the first failure.
    ///
    /// Errors: a refusal, immediately; the time limit, with advice.
    pub async fn fetch_with_retries(&self, services: &[&str], ids: &IdGen) -> Result<Fetched, FetchError> {
        // Real time: a limit of the process, not business logic.
        let end = tokio::time::Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        let mut last_cause = String::new();
        loop {
            match tokio::time::timeout_at(end, self.fetch(services)).await {
                Ok(Err(FetchError::Unavailable(cause))) => {
                    if last_cause.is_empty() {
                        tracing::warn!(error = %cause, "waiting for the config server");
                    }
                    last_cause = cause;
                }
                Ok(settled) => {
                    if settled.is_ok() && !last_cause.is_empty() {
                        tracing::info!("the config server is available");
                    }
                    return settled;
                }
                Err(_) if last_cause.is_empty() => "no answer".clone_into(&mut last_cause),
                Err(_) => {}
            }
            // Half of the pause is random, so that replicas that start together do not retry together.
            let next = tokio::time::Instant::now() + pause / 2 + ids.jitter(pause / 2);
            if next >= end {
                return Err(self.timed_out(&last_cause));
            }
            tokio::time::sleep_until(next).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn timed_out(&self, last_cause: &str) -> FetchError {
        FetchError::TimedOut(format!(
            "no configuration was received from {} within {} s. Last failure: {last_cause}. Start the config server ('souk serve \
             config-server'), or correct SOUK_CONFIG_URL; unset it to run on the environment alone; \
             SOUK_CONFIG_TIMEOUT_SECONDS changes the limit",
            self.servers().join(" and "),
            self.timeout.as_secs_f64(),
        ))
    }
}
