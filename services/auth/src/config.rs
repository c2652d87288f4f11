//! The configuration section `auth`.

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_values::Secret;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// `auth.store-url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. Default: `sqlite:auth.db`.
    pub store_url: String,
    /// `auth.admin-email`: address of the first admin, created when there is none. Default: `admin@souk.local`.
    pub admin_email: String,
    /// `auth.admin-password`: the first admin's password. Empty (default): one is generated and shown once.
    pub admin_password: Secret,
    /// `auth.signing-key-pem`: private key that signs tokens: P-256 (ES256), RSA of 2048 bits or more
    /// (RS256) or Ed25519 (`EdDSA`), in PEM. Empty (default): an ES256 key is generated and kept in the store.
    pub signing_key_pem: Secret,
    /// `auth.signing-key-days`: age in days at which a generated signing key gets a successor. A configured key is changed by
    /// configuring another. Default: 90.
    pub signing_key_days: u32,
    /// `auth.operator-secret`: secret with which the operator's commands obtain an admin's token. Empty (default): no
    /// secret is accepted.
    pub operator_secret: Secret,
    /// `auth.trusted-proxies`: addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-For` is trusted: those of the
    /// gateways. Default: none; in `souk up` loopback.
    pub trusted_proxies: Vec<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:auth.db".to_owned(),
            admin_email: "admin@souk.local".to_owned(),
            admin_password: Secret::default(),
            signing_key_pem: Secret::default(),
            signing_key_days: 90,
            operator_secret: Secret::default(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl AuthConfig {
    /// Errors: keys would turn over all the time.
    pub(crate) fn check_key_days(&self) -> Result<(), ConfigError> {
        if self.signing_key_days == 0 {
            return Err(ConfigError(vec!["auth.signing-key-days must be at least 1".to_owned()]));
        }
        Ok(())
    }

    /// Parses `trusted_proxies`. Errors: all entries that are neither addresses nor networks.
    pub(crate) fn trusted_networks(&self) -> Result<Arc<[IpNet]>, ConfigError> {
        let mut networks = Vec::new();
        let mut mistakes = Vec::new();
        for text in &self.trusted_proxies {
            match parse_network(text) {
                Some(network) => networks.push(network),
                None => mistakes.push(format!(
                    "auth.trusted-proxies: '{text}' is neither an IP address nor a network such as 10.0.0.0/8"
                )),
            }
        }
        if mistakes.is_empty() { Ok(networks.into()) } else { Err(ConfigError(mistakes)) }
    }
}

pub(crate) fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_with_or_without_a_prefix() {
        for (text, network) in [("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), (" fd00::1 ", "fd00::1/128")]
        {
            assert_eq!(parse_network(text).unwrap().to_string(), network);
        }
        for text in ["", "ten", "10.0.0.0/33", "10.0.0.0/x", "fd00::/129"] {
            assert!(parse_network(text).is_none(), "{text}");
        }
    }
}
