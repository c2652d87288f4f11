//! The config server's client: what it has for a process's services becomes [`Sources`].
//!
//! `SOUK_CONFIG_URL` names the servers, with commas between, tried in order; `http://user:password@host:8888`
//! signs in. `SOUK_CONFIG_PROFILES` (`default`), `SOUK_CONFIG_LABEL` (the server's own), `SOUK_CONFIG_TOKEN` (for
//! servers without a user), `SOUK_CONFIG_TIMEOUT_SECONDS` (60): how long a start waits for them.

mod answer;
mod fetch;
#[cfg(test)]
mod tests;
mod variables;

use std::time::Duration;

use futures::future::BoxFuture;
use souk_values::{IdGen, Secret};
use url::Url;

use crate::config::{ConfigError, Sources};

/// The pause after the first failed attempt; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the configuration is kept, and which of it is asked for. Cloning shares its connections.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    servers: Vec<Server>,
    profiles: Vec<String>,
    label: Option<String>,
    /// How long a start waits for a server.
    patience: Duration,
    http: reqwest::Client,
}

/// One config server.
#[derive(Debug, Clone)]
struct Server {
    /// Without user and password; may be shown.
    base: Url,
    sign_in: SignIn,
}

#[derive(Debug, Clone)]
enum SignIn {
    Nothing,
    Basic { user: String, password: Secret },
    Token(Secret),
}

/// What a config server has.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The weakest first.
    pub sources: Sources,
    /// The commit it is from, if the server keeps it in Git.
    pub version: Option<String>,
}

/// Why nothing was fetched. Shows no user and no password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FetchError {
    /// No server answers, or only that it cannot now. May pass.
    #[error("{0}")]
    Away(String),
    /// A server refuses, or has not what was asked for. Does not pass by itself.
    #[error("{0}")]
    Refused(String),
    /// No server came back within the time that a start waits.
    #[error("{0}")]
    GaveUp(String),
}

impl FetchError {
    /// Whether it makes sense to ask again.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl RemoteConfig {
    /// As the environment says. `None`: there is no config server.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from_variables(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// As `variable` says of the variables above. `None`: `SOUK_CONFIG_URL` is not set or empty.
    ///
    /// Errors: every value that cannot be, none of them shown.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        variables::read(variable)
    }

    /// The same for other profiles; none leaves them as they are. Errors: one that no profile can be called.
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

    /// The addresses of the servers, without user and password.
    #[must_use]
    pub fn servers(&self) -> Vec<&str> {
        self.servers.iter().map(|server| server.base.as_str().trim_end_matches('/')).collect()
    }

    /// What the first server that answers has for `services`, whose files win over those of services before.
    ///
    /// Errors: no server answers (may pass); one refuses, or has not what is asked for. What the server cannot
    /// decrypt is a mistake of its section, told when that is read.
    pub async fn fetch(&self, services: &[&str]) -> Result<Fetched, FetchError> {
        let mut away = Vec::new();
        for server in &self.servers {
            // Boxed: what waits for it is nested deep already.
            let asked: BoxFuture<'_, _> = Box::pin(self.ask(server, services));
            match asked.await {
                Err(FetchError::Away(cause)) => away.push(cause),
                settled => return settled,
            }
        }
        Err(FetchError::Away(away.join("; ")))
    }

    /// [`Self::fetch`], again and again while the servers are away, for as long as a start waits. Logs once
    /// that it waits, and why.
    ///
    /// Errors: what does not pass, at once; that the time is over, with what to do.
    pub async fn fetch_patiently(&self, services: &[&str], ids: &IdGen) -> Result<Fetched, FetchError> {
        // Real time: the pace of looking, not a term of the business.
        let end = tokio::time::Instant::now() + self.patience;
        let mut pause = FIRST_PAUSE;
        let mut last_cause = String::new();
        loop {
            match tokio::time::timeout_at(end, self.fetch(services)).await {
                Ok(Err(FetchError::Away(cause))) => {
                    if last_cause.is_empty() {
                        tracing::warn!(error = %cause, "waiting for the config server");
                    }
                    last_cause = cause;
                }
                Ok(settled) => {
                    if settled.is_ok() && !last_cause.is_empty() {
                        tracing::info!("the config server is there");
                    }
                    return settled;
                }
                Err(_) if last_cause.is_empty() => "no answer".clone_into(&mut last_cause),
                Err(_) => {}
            }
            // Half of it is left to chance, so that replicas do not all come at once.
            let next = tokio::time::Instant::now() + pause / 2 + ids.jitter(pause / 2);
            if next >= end {
                return Err(self.gave_up(&last_cause));
            }
            tokio::time::sleep_until(next).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn gave_up(&self, last_cause: &str) -> FetchError {
        FetchError::GaveUp(format!(
            "no configuration came from {} within {} s. At last: {last_cause}. Start the config server ('souk serve \
             config-server'), or correct SOUK_CONFIG_URL; unset it to run by the environment alone; \
             SOUK_CONFIG_TIMEOUT_SECONDS is how long is waited",
            self.servers().join(" and "),
            self.patience.as_secs_f64(),
        ))
    }
}
