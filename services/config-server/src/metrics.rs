//! The metrics of this service.

use axum::http::StatusCode;
use metrics::{counter, describe_counter};

use crate::{backend::BackendError, error::ConfigServerError};

const SERVICE: &str = "config-server";
const REQUESTS: &str = "config_requests_total";
const DECRYPT_FAILURES: &str = "config_decrypt_failures_total";
const SNAPSHOTS: &str = "config_snapshots_total";
const REFRESH_EVENTS: &str = "config_refresh_events_total";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Environment,
    /// All properties as one document.
    Flat,
    Resource,
    /// To encrypt or to decrypt.
    Cipher,
    /// A webhook, or `busrefresh`.
    Refresh,
}

impl RequestKind {
    const ALL: [Self; 5] = [Self::Environment, Self::Flat, Self::Resource, Self::Cipher, Self::Refresh];

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

/// Describes the series and starts them at 0.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, "Requests by kind and outcome");
    describe_counter!(DECRYPT_FAILURES, "Values that could not be decrypted and were withheld");
    describe_counter!(SNAPSHOTS, "Reads of the repository or the folders by outcome");
    describe_counter!(REFRESH_EVENTS, "Refresh events for applications by outcome of publishing");
    for kind in RequestKind::ALL {
        for outcome in ["ok", "not_found", "refused", "failed"] {
            counter!(REQUESTS, "service" => SERVICE, "kind" => kind.label(), "outcome" => outcome).increment(0);
        }
    }
    counter!(DECRYPT_FAILURES, "service" => SERVICE).increment(0);
    for outcome in ["ok", "unknown_label", "refused", "unusable"] {
        counter!(SNAPSHOTS, "service" => SERVICE, "outcome" => outcome).increment(0);
    }
    for outcome in ["ok", "failed"] {
        counter!(REFRESH_EVENTS, "service" => SERVICE, "outcome" => outcome).increment(0);
    }
}

pub(crate) fn count_request<T>(kind: RequestKind, result: &Result<T, ConfigServerError>) {
    let outcome = match result {
        Ok(_) => "ok",
        Err(error) if error.status().is_server_error() => "failed",
        Err(error) if error.status() == StatusCode::NOT_FOUND => "not_found",
        Err(_) => "refused",
    };
    counter!(REQUESTS, "service" => SERVICE, "kind" => kind.label(), "outcome" => outcome).increment(1);
}

pub(crate) fn count_decrypt_failure() {
    counter!(DECRYPT_FAILURES, "service" => SERVICE).increment(1);
}

pub(crate) fn count_snapshot<T>(result: &Result<T, BackendError>) {
    let outcome = match result {
        Ok(_) => "ok",
        Err(BackendError::UnknownLabel(_)) => "unknown_label",
        Err(BackendError::Refused(_)) => "refused",
        Err(BackendError::Unusable(_)) => "unusable",
    };
    counter!(SNAPSHOTS, "service" => SERVICE, "outcome" => outcome).increment(1);
}

pub(crate) fn count_refresh_event(is_published: bool) {
    let outcome = if is_published { "ok" } else { "failed" };
    counter!(REFRESH_EVENTS, "service" => SERVICE, "outcome" => outcome).increment(1);
}
