//! The configuration section `discovery`. Its keys are the original's.

use std::{num::NonZeroU64, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};
use souk_kit::{StartError, config::ConfigError};
use souk_values::Secret;

use crate::registry::Rules;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct DiscoveryConfig {
    /// `discovery.enable-self-preservation`: suspends eviction while too few heartbeats arrive; true by default.
    pub enable_self_preservation: bool,
    /// `discovery.renewal-percent-threshold`: share of the expected heartbeats that is enough, 0 to 1; one eviction pass
    /// leaves the same share of the registry standing. 0.85 by default.
    pub renewal_percent_threshold: f64,
    /// `discovery.expected-client-renewal-interval-seconds`: interval of the clients' heartbeats; 30 by default.
    pub expected_client_renewal_interval_seconds: u32,
    /// `discovery.renewal-threshold-update-interval-ms`: interval at which the number of expected heartbeats is
    /// recalculated; 900000 by default.
    pub renewal_threshold_update_interval_ms: NonZeroU64,
    /// `discovery.eviction-interval-timer-in-ms`: interval of eviction passes; 60000 by default.
    pub eviction_interval_timer_in_ms: NonZeroU64,
    /// `discovery.response-cache-update-interval-ms`: maximum age of the responses to `apps` and `apps/delta` once the
    /// registry has changed; 0 turns the cache off. 1000 by default (the original's 30000 delays every change).
    pub response_cache_update_interval_ms: u64,
    /// `discovery.disable-delta`: answers `apps/delta` with 403; false by default.
    pub disable_delta: bool,
    /// `discovery.delta-retention-ms`: time that a change stays in the delta; 180000 by default.
    #[serde(alias = "retention_time_in_m_s_in_delta_queue")]
    pub delta_retention_ms: NonZeroU64,
    /// `discovery.max-instances`: limit above which registrations are rejected; 50000 by default.
    pub max_instances: usize,
    /// `discovery.peers`: base URLs of all servers, such as `http://user:password@host:8761/eureka`; a list or a
    /// comma-separated text. Empty for a single server. Secret because of the passwords.
    #[serde(deserialize_with = "list_or_text")]
    pub peers: Vec<Secret>,
    /// `discovery.hostname`: the host of this server in `peers`, which is skipped there; `host:port` where several
    /// servers share a host. Empty if this server is not in `peers`.
    pub hostname: String,
    /// `discovery.security.user` and `discovery.security.password`: credentials of clients and peers.
    pub security: SecurityConfig,
    /// `discovery.insecure`: starts without credentials although others reach the server, and lets them register and read;
    /// false by default.
    pub insecure: bool,
    /// True if the server listens on more than loopback. Not a key: the starting process sets it.
    #[serde(skip)]
    pub is_public: bool,
}

/// Credentials of HTTP Basic, both or neither. Without them every program of this machine may register and read.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    pub user: String,
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
            insecure: false,
            is_public: false,
        }
    }
}

impl DiscoveryConfig {
    /// Returns the settings of the registry.
    ///
    /// Errors: lists every invalid value of the section.
    pub(crate) fn rules(&self) -> Result<Rules, StartError> {
        let mut mistakes = Vec::new();
        if !(0.0..=1.0).contains(&self.renewal_percent_threshold) {
            mistakes.push("discovery.renewal-percent-threshold must be from 0 to 1, such as 0.85".to_owned());
        }
        if self.expected_client_renewal_interval_seconds == 0 {
            mistakes.push("discovery.expected-client-renewal-interval-seconds must be at least 1".to_owned());
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
            self_preservation: self.enable_self_preservation,
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
fn list_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ListOrText {
        Text(String),
        List(Vec<String>),
    }
    let texts = match ListOrText::deserialize(deserializer)? {
        ListOrText::Text(text) => text.split(',').map(str::to_owned).collect(),
        ListOrText::List(texts) => texts,
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
        assert!(!config.enable_self_preservation && !config.security.user.is_empty());
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
    fn invalid_values_are_rejected() {
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
