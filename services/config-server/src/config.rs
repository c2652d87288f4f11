//! The section `config-server`.

mod overrides;

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use souk_values::Secret;

pub use overrides::Overrides;

use crate::{
    backend::{GitConfig, NativeConfig},
    cipher::RsaConfig,
};

/// How the config server runs.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigServerConfig {
    /// `config-server.git.*`: a Git repository, used when `git.uri` or `git.repos` is set.
    pub git: GitConfig,
    /// `config-server.native.*`: folders, used when any of it is set.
    pub native: Option<NativeConfig>,
    /// `config-server.default-label`: the label of requests that name none. Empty, the default: the backend's own.
    pub default_label: String,
    /// `config-server.prefix`: goes before every path but `/actuator`, `/monitor` and the frame's. Empty.
    pub prefix: String,
    /// `config-server.accept-empty`: whether an application without any properties is answered, rather than 404. Yes.
    pub accept_empty: bool,
    /// `config-server.overrides`: properties that win over every file: a list of `key=value`.
    pub overrides: Overrides,
    /// `config-server.resource.*`: how text resources are looked for.
    pub resource: ResourceConfig,
    /// `config-server.encrypt.*`: `{cipher}` values.
    pub encrypt: EncryptConfig,
    /// `config-server.security.*`: who may ask.
    pub security: SecurityConfig,
    /// `config-server.monitor.*`: webhooks.
    pub monitor: MonitorConfig,
}

impl Default for ConfigServerConfig {
    fn default() -> Self {
        Self {
            git: GitConfig::default(),
            native: None,
            default_label: String::new(),
            prefix: String::new(),
            accept_empty: true,
            overrides: Overrides::default(),
            resource: ResourceConfig::default(),
            encrypt: EncryptConfig::default(),
            security: SecurityConfig::default(),
            monitor: MonitorConfig::default(),
        }
    }
}

/// How text resources are looked for.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceConfig {
    /// `reverse-location-order`: the last search path first, as properties are looked for. No.
    pub reverse_location_order: bool,
}

/// What is done with `{cipher}` values.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncryptConfig {
    /// `enabled`: whether values are decrypted here. Without it they are handed out as they are. Yes.
    pub enabled: bool,
    /// `key`: a password, or an RSA private key as PEM (PKCS#8 or PKCS#1). Empty: nothing can be decrypted.
    pub key: Secret,
    /// `key-file`: a file that holds the key, in place of `key`.
    pub key_file: Option<PathBuf>,
    /// `salt`: hexadecimal, for a password. `deadbeef`.
    pub salt: String,
    /// `keys.ALIAS`: other keys, for values that begin `{cipher}{key:ALIAS}`: those of before a change of keys.
    pub keys: BTreeMap<String, Secret>,
    /// `rsa.*`: for RSA keys.
    pub rsa: RsaConfig,
    /// `prefix-invalid-properties`: whether what cannot be decrypted becomes `invalid.KEY`, rather than `KEY`. Yes.
    pub prefix_invalid_properties: bool,
    /// `plain-text-encrypt`: whether `{cipher}` in text resources (YAML, JSON, properties) is decrypted too. No.
    pub plain_text_encrypt: bool,
}

impl Default for EncryptConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            key: Secret::default(),
            key_file: None,
            salt: "deadbeef".to_owned(),
            keys: BTreeMap::new(),
            rsa: RsaConfig::default(),
            prefix_invalid_properties: true,
            plain_text_encrypt: false,
        }
    }
}

/// Who may ask. Nothing set: whoever is on this machine, and nobody else.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// `user`: reads configuration, with `password`. Administers too, unless an administrator is configured.
    pub user: String,
    /// `password`: of `user`.
    pub password: Secret,
    /// `token`: a bearer token that may do what `user` may.
    pub token: Secret,
    /// `admin-user`: may also encrypt, decrypt and refresh, with `admin-password`.
    pub admin_user: String,
    /// `admin-password`: of `admin-user`.
    pub admin_password: Secret,
    /// `admin-token`: a bearer token that may do what `admin-user` may.
    pub admin_token: Secret,
}

/// Webhooks.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// `secret`: what the Git host signs its webhooks with. Empty: `/monitor` is for administrators only.
    pub secret: Secret,
}
