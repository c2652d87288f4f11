//! The section `auth` of the configuration.

use serde::{Deserialize, Serialize};
use souk_values::Secret;

/// What auth is configured with.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthConfig {
    /// `auth.store-url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. `sqlite:auth.db`.
    pub store_url: String,
    /// `auth.admin-email`: address of the first admin, made when there is none. `admin@souk.local`.
    pub admin_email: String,
    /// `auth.admin-password`: the first admin's password. Empty (default): one is generated and shown once.
    pub admin_password: Secret,
    /// `auth.signing-key-pem`: private key that signs tokens: P-256 (ES256), RSA of 2048 bits or more
    /// (RS256) or Ed25519 (`EdDSA`), in PEM. Empty (default): an ES256 key is made and kept in the store.
    pub signing_key_pem: Secret,
    /// `auth.operator-secret`: what the operator's commands get an admin's token for. Empty (default): none is given.
    pub operator_secret: Secret,
    /// `auth.trusted-proxies`: addresses or networks (`10.0.0.0/8`) whose `X-Forwarded-For` is believed,
    /// besides loopback. Empty (default).
    pub trusted_proxies: Vec<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:auth.db".to_owned(),
            admin_email: "admin@souk.local".to_owned(),
            admin_password: Secret::default(),
            signing_key_pem: Secret::default(),
            operator_secret: Secret::default(),
            trusted_proxies: Vec::new(),
        }
    }
}
