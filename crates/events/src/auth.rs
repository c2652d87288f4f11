//! What auth tells: people, and the mails they ask for.

use serde::{Deserialize, Serialize};
use souk_values::{Timestamp, UserId};

use crate::envelope::events;

/// Somebody registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Who.
    pub user_id: UserId,
    /// The name shown.
    pub username: String,
    /// Where mail goes.
    pub email: String,
    /// `customer` or `admin`.
    pub role: String,
    /// Version of the user's row.
    pub version: i64,
}

/// A user's name, address, role or lock changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserChanged {
    /// Who.
    pub user_id: UserId,
    /// The name shown.
    pub username: String,
    /// Where mail goes.
    pub email: String,
    /// `customer` or `admin`.
    pub role: String,
    /// Whether signing in is refused.
    pub locked: bool,
    /// Version of the user's row.
    pub version: i64,
}

/// A user asked for a new password; the token is good once, until `expires_at`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequested {
    /// Who.
    pub user_id: UserId,
    /// The name shown.
    pub username: String,
    /// Where the mail goes.
    pub email: String,
    /// What `POST /auth/password/reset` takes.
    pub token: String,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// Version of the user's row.
    pub version: i64,
}

impl std::fmt::Debug for PasswordResetRequested {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordResetRequested").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

events! { "auth":
    UserRegistered = "user.registered.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    UserChanged = "user.changed.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    PasswordResetRequested = "user.password_reset_requested.v1",
        subject |event| event.user_id.to_string(), version |event| event.version;
}
