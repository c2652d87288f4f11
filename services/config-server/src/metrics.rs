//! Every metric of this service.

use metrics::{counter, describe_counter};

use crate::{backend::BackendError, error::ConfigServerError};

const SERVICE: &str = "config-server";
const REQUESTS: &str = "config_requests_total";
const UNDECRYPTED: &str = "config_decrypt_failures_total";
const SNAPSHOTS: &str = "config_snapshots_total";
const REFRESHES: &str = "config_refresh_events_total";

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Property sources.
    Environment,
    /// One document of all.
    Flat,
    /// A file.
    Resource,
    /// To encrypt or decrypt, or a key.
    Cipher,
    /// A webhook or `busrefresh`.
    Refresh,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Flat => "flat",
            Self::Resource => "resource",
            Self::Cipher => "cipher",
            Self::Refresh => "refresh",
        }
    }
}

/// Says what the series are; call it once at start.
pub fn describe() {
    describe_counter!(REQUESTS, "Requests, by what was asked for and how they ended");
    describe_counter!(UNDECRYPTED, "Values that could not be decrypted and were not handed out");
    describe_counter!(SNAPSHOTS, "Looks at the repository or the folder, by how they ended");
    describe_counter!(REFRESHES, "Events that tell applications to read again, by how publishing ended");
}

/// A request was answered.
pub fn asked<T>(kind: Kind, outcome: &Result<T, ConfigServerError>) {
    let outcome = match outcome {
        Ok(_) => "ok",
        Err(error) if error.status().is_server_error() => "failed",
        Err(error) if error.status() == axum::http::StatusCode::NOT_FOUND => "not_found",
        Err(_) => "refused",
    };
    counter!(REQUESTS, "service" => SERVICE, "kind" => kind.label(), "outcome" => outcome).increment(1);
}

/// A value could not be decrypted.
pub fn undecrypted() {
    counter!(UNDECRYPTED, "service" => SERVICE).increment(1);
}

/// The backend was asked for files.
pub fn looked<T>(outcome: &Result<T, BackendError>) {
    let outcome = match outcome {
        Ok(_) => "ok",
        Err(BackendError::UnknownLabel(_)) => "unknown_label",
        Err(BackendError::Refused(_)) => "refused",
        Err(BackendError::Unusable(_)) => "unusable",
    };
    counter!(SNAPSHOTS, "service" => SERVICE, "outcome" => outcome).increment(1);
}

/// An event was published, or not.
pub fn published(is_published: bool) {
    let outcome = if is_published { "ok" } else { "failed" };
    counter!(REFRESHES, "service" => SERVICE, "outcome" => outcome).increment(1);
}
