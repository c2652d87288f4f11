//! The section `config-server` of the configuration.

mod overrides;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use souk_values::Secret;

use overrides::Overrides;

use crate::{
    backend::{Backend, GitConfig, NativeConfig},
    monitor::RefreshEvent,
};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigServerConfig {
    /// `git.*`: the Git backend, used when `git.uri` or `git.repos` is set.
    pub git: GitConfig,
    /// `native.*`: the native backend, used when any of its keys is set.
    pub native: Option<NativeConfig>,
    /// `default-label`: label of requests that name none. Empty, the default: the backend's own.
    pub default_label: String,
    /// `prefix`: path prefix of all routes but `/actuator`, `/monitor` and the frame's. Default: empty.
    pub prefix: String,
    /// `accept-empty`: answers for an application without any properties, instead of 404. Default: true.
    pub accept_empty: bool,
    /// `overrides`: properties that win over every file, as a list of `key=value`.
    pub overrides: Overrides,
    /// `resource.*`: the search for text resources.
    pub resource: ResourceConfig,
    /// `encrypt.*`: keys and the treatment of `{cipher}` values.
    pub encrypt: EncryptConfig,
    /// `security.*`: credentials of readers and administrators.
    pub security: SecurityConfig,
    /// `monitor.*`: webhooks of Git hosts.
    pub monitor: MonitorConfig,
    /// `insecure`: starts without credentials although others reach the server. Default: false.
    pub insecure: bool,
    /// Set by the process, not by configuration.
    #[serde(skip)]
    pub extras: ConfigServerExtras,
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
            insecure: false,
            extras: ConfigServerExtras::default(),
        }
    }
}

impl ConfigServerConfig {
    /// Returns `prefix` with a slash before it and none after it; empty for none.
    pub(crate) fn path_prefix(&self) -> Result<String, String> {
        let prefix = self.prefix.trim_matches('/');
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
        if !prefix.chars().all(is_plain) || prefix.contains("..") || prefix.contains("//") {
            return Err(
                "config-server.prefix takes letters, digits and -_. separated by slashes, such as /config".to_owned()
            );
        }
        let first = prefix.split('/').next().unwrap_or_default();
        if matches!(first, "actuator" | "monitor" | "health" | "metrics" | "info" | "docs" | "openapi.json") {
            return Err(format!("config-server.prefix: /{first} is already a route; choose another prefix"));
        }
        Ok(if prefix.is_empty() { String::new() } else { format!("/{prefix}") })
    }
}

/// Publishes a refresh event on the bus. The error is a sentence.
pub type RefreshPublisher = Arc<dyn Fn(RefreshEvent) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The parts of a config server that come from its process instead of the configuration.
#[derive(Clone, Default)]
pub struct ConfigServerExtras {
    /// True when the process listens on a loopback address only.
    pub is_loopback: bool,
    /// Backend for a configuration with neither a Git repository nor folders.
    pub default_backend: Option<Arc<dyn Backend>>,
    /// Publisher of refresh events; `None` in a process without a bus.
    pub refresh: Option<RefreshPublisher>,
}

impl fmt::Debug for ConfigServerExtras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigServerExtras").field("is_loopback", &self.is_loopback).finish_non_exhaustive()
    }
}

/// The search for text resources.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResourceConfig {
    /// `reverse-location-order`: searches the last search path first, as for properties. Default: false.
    pub reverse_location_order: bool,
}

/// Keys and the treatment of `{cipher}` values.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EncryptConfig {
    /// `enabled`: decrypts values on the server; otherwise clients receive them encrypted. Default: true.
    pub enabled: bool,
    /// `key`: a password, or an RSA private key as PEM (PKCS#8 or PKCS#1). Empty: nothing can be decrypted.
    pub key: Secret,
    /// `key-file`: file that contains the key, in place of `key`.
    pub key_file: Option<PathBuf>,
    /// `salt`: hexadecimal salt for a password. Default: `deadbeef`.
    pub salt: String,
    /// `keys.ALIAS`: earlier keys, for values that begin with `{cipher}{key:ALIAS}`.
    pub keys: BTreeMap<String, Secret>,
    /// `rsa.*`: settings for RSA keys.
    pub rsa: RsaConfig,
    /// `prefix-invalid-properties`: renames a property that cannot be decrypted to `invalid.KEY`. Default: true.
    pub prefix_invalid_properties: bool,
    /// `plain-text-encrypt`: decrypts `{cipher}` in text resources (YAML, JSON, properties) too. Default: false.
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

/// Settings for RSA keys.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RsaConfig {
    /// `algorithm`: padding of the encrypted secret, `DEFAULT` as in Spring, or `OAEP`, which is safer.
    pub algorithm: RsaAlgorithm,
    /// `salt`: hexadecimal salt for the key of the text. Default: `deadbeef`.
    pub salt: String,
}

impl Default for RsaConfig {
    fn default() -> Self {
        Self { algorithm: RsaAlgorithm::default(), salt: "deadbeef".to_owned() }
    }
}

/// Padding of the secret that RSA encrypts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum RsaAlgorithm {
    /// Padding of PKCS#1 v1.5.
    #[default]
    #[serde(rename = "DEFAULT", alias = "default")]
    Default,
    /// OAEP with SHA-1 for both hashes, which is Java's `OAEPPadding`.
    #[serde(rename = "OAEP", alias = "oaep")]
    Oaep,
}

/// Credentials of readers and administrators. Without any, only requests from this machine are answered.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityConfig {
    /// `user`: reader, with `password`. An administrator too, unless one is configured.
    pub user: String,
    pub password: Secret,
    /// `token`: bearer token with the rights of `user`.
    pub token: Secret,
    /// `admin-user`: may also encrypt, decrypt and refresh, with `admin-password`.
    pub admin_user: String,
    pub admin_password: Secret,
    /// `admin-token`: bearer token with the rights of `admin-user`.
    pub admin_token: Secret,
}

/// Webhooks of Git hosts.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// `secret`: secret with which the Git host signs webhooks. Empty: `/monitor` is for administrators only.
    pub secret: Secret,
}
