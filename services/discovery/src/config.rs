//! The section `discovery`, whose keys are the originals' names.

use std::{num::NonZeroU64, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};
use souk_kit::{StartError, config::ConfigError};
use souk_values::Secret;

use crate::registry::Rules;

/// How the registry runs.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscoveryConfig {
    /// `discovery.enable-self-preservation`: nobody is evicted while too few heartbeats arrive. true.
    pub enable_self_preservation: bool,
    /// `discovery.renewal-percent-threshold`: the share of the expected heartbeats that is enough, and of the
    /// registry that one eviction leaves standing; 0 to 1. 0.85.
    pub renewal_percent_threshold: f64,
    /// `discovery.expected-client-renewal-interval-seconds`: how often clients renew. 30.
    pub expected_client_renewal_interval_seconds: u32,
    /// `discovery.renewal-threshold-update-interval-ms`: how often the expected heartbeats are counted anew. 900000.
    pub renewal_threshold_update_interval_ms: NonZeroU64,
    /// `discovery.eviction-interval-timer-in-ms`: how often expired instances are evicted. 60000.
    pub eviction_interval_timer_in_ms: NonZeroU64,
    /// `discovery.response-cache-update-interval-ms`: how old the answers to `apps` and `apps/delta` may be when
    /// something has changed since. 0: not at all. 1000 (the original's 30000 only hides changes from its clients).
    pub response_cache_update_interval_ms: u64,
    /// `discovery.disable-delta`: `apps/delta` answers 403. false.
    pub disable_delta: bool,
    /// `discovery.delta-retention-ms`: how long a change stays in the delta. 180000.
    #[serde(alias = "retention_time_in_m_s_in_delta_queue")]
    pub delta_retention_ms: NonZeroU64,
    /// `discovery.max-instances`: more are refused. 50000.
    pub max_instances: usize,
    /// `discovery.peers`: the base URLs of all servers, such as `http://user:password@host:8761/eureka`; a list, or
    /// a text with commas. Secret, for the passwords in them. Empty: it stands alone.
    #[serde(deserialize_with = "texts")]
    pub peers: Vec<Secret>,
    /// `discovery.hostname`: this server's host in `peers`, which it leaves out; with `:port` where several share a
    /// host. Empty: none of them is it.
    pub hostname: String,
    /// `discovery.security.user` and `discovery.security.password`: what clients and peers must show.
    pub security: SecurityConfig,
    /// Whether it listens on more than loopback; for a warning, set by whoever starts it.
    #[serde(skip)]
    pub is_public: bool,
}

/// HTTP Basic credentials; both or neither. Neither: everybody may register and read.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            enable_self_preservation: true,
            renewal_percent_threshold: 0.85,
            expected_client_renewal_interval_seconds: 30,
            renewal_threshold_update_interval_ms: ms(900_000),
            eviction_interval_timer_in_ms: ms(60_000),
            response_cache_update_interval_ms: 1_000,
            disable_delta: false,
            delta_retention_ms: ms(180_000),
            max_instances: 50_000,
            peers: Vec::new(),
            hostname: String::new(),
            security: SecurityConfig::default(),
            is_public: false,
        }
    }
}

impl DiscoveryConfig {
    /// Whether anybody may register and read.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.security.user.is_empty()
    }

    /// What the registry goes by. Errors: every value that makes no sense.
    pub fn rules(&self) -> Result<Rules, StartError> {
        let mut mistakes = Vec::new();
        if !(0.0..=1.0).contains(&self.renewal_percent_threshold) {
            mistakes.push("discovery.renewal-percent-threshold is from 0 to 1, such as 0.85".to_owned());
        }
        if self.expected_client_renewal_interval_seconds == 0 {
            mistakes.push("discovery.expected-client-renewal-interval-seconds is at least 1".to_owned());
        }
        if self.security.user.is_empty() != self.security.password.expose().is_empty() {
            mistakes.push("discovery.security needs both user and password, or neither".to_owned());
        }
        if self.security.user.contains(':') {
            mistakes.push("discovery.security.user cannot contain a colon (HTTP Basic)".to_owned());
        }
        if !mistakes.is_empty() {
            return Err(ConfigError(mistakes).into());
        }
        Ok(Rules {
            preserves_itself: self.enable_self_preservation,
            renewal_share: self.renewal_percent_threshold,
            renewal_interval_secs: self.expected_client_renewal_interval_seconds,
            delta_retention: Duration::from_millis(self.delta_retention_ms.get()),
            max_instances: self.max_instances,
        })
    }
}

fn ms(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN)
}

/// A list of texts, or one text with commas.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    let texts = match Texts::deserialize(deserializer)? {
        Texts::One(text) => text.split(',').map(str::to_owned).collect(),
        Texts::Many(texts) => texts,
    };
    let trimmed = texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    Ok(trimmed.map(|text| Secret::new(text.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use souk_kit::config::Sources;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<DiscoveryConfig, ConfigError> {
        let named = pairs.iter().map(|(key, value)| (format!("SOUK_DISCOVERY__{key}"), (*value).to_owned()));
        Sources::default().with_env(named).section("discovery")
    }

    #[test]
    fn the_environment_is_read() {
        let config = read(&[
            ("ENABLE_SELF_PRESERVATION", "false"),
            ("RENEWAL_PERCENT_THRESHOLD", "0.5"),
            ("EVICTION_INTERVAL_TIMER_IN_MS", "1000"),
            ("RETENTION_TIME_IN_M_S_IN_DELTA_QUEUE", "5000"),
            ("PEERS", "http://a:1/eureka, http://u:p@b:2/eureka"),
            ("SECURITY__USER", "eureka"),
            ("SECURITY__PASSWORD", "12345"),
        ])
        .unwrap();
        assert!(!config.enable_self_preservation && !config.is_open());
        assert_eq!((config.eviction_interval_timer_in_ms.get(), config.delta_retention_ms.get()), (1_000, 5_000));
        assert_eq!(
            config.peers.iter().map(|peer| peer.expose().as_str()).collect::<Vec<_>>(),
            ["http://a:1/eureka", "http://u:p@b:2/eureka"]
        );
        assert_eq!(config.security.password.expose(), "12345");
        assert!(config.rules().is_ok());
        assert!(!format!("{config:?}").contains("u:p@"));
        assert_eq!(read(&[("PEERS", "http://one:1/eureka")]).unwrap().peers.len(), 1);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for pairs in [
            [("RENEWAL_PERCENT_THRESHOLD", "1.5")],
            [("EXPECTED_CLIENT_RENEWAL_INTERVAL_SECONDS", "0")],
            [("SECURITY__USER", "eureka")],
        ] {
            assert!(read(&pairs).unwrap().rules().is_err(), "{pairs:?}");
        }
        assert!(read(&[("EVICTION_INTERVAL_TIMER_IN_MS", "0")]).is_err());
        assert!(read(&[("COLOUR", "red")]).is_err());
    }
}
