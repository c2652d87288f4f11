//! Events of auth: users, and the mails that they request.

use serde::{Deserialize, Serialize};
use souk_values::{Timestamp, UserId};

use crate::envelope::events;

/// A user registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// Mail address of the user.
    pub email: String,
    /// Role of the user: `customer` or `admin`.
    pub role: String,
    /// Language of the user as a BCP 47 tag; absent in events of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Version of the user after the event.
    pub version: i64,
}

/// The name, mail address, language, role or lock of a user changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserChanged {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// Mail address of the user.
    pub email: String,
    /// Role of the user: `customer` or `admin`.
    pub role: String,
    /// True while the user cannot sign in.
    pub locked: bool,
    /// Language of the user as a BCP 47 tag; absent in events of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Version of the user after the event.
    pub version: i64,
}

/// A user requested a new password. The token is valid once, until `expires_at`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordResetRequested {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// Mail address to which the token is sent.
    pub email: String,
    /// Token for `POST /auth/password/reset`.
    pub token: String,
    /// Expiry of the token.
    pub expires_at: Timestamp,
    /// Language of the user as a BCP 47 tag; absent in events of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Version of the user after the event.
    pub version: i64,
}

impl std::fmt::Debug for PasswordResetRequested {
    /// Leaves out the token, which must not reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordResetRequested").field("user_id", &self.user_id).finish_non_exhaustive()
    }
}

/// A user has another mail address. The old one is informed, in case that someone else changed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEmailChanged {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// Mail address until now.
    pub old_email: String,
    /// Mail address from now on.
    pub new_email: String,
    /// Time of the change.
    pub changed_at: Timestamp,
    /// Version of the user after the event.
    pub version: i64,
}

/// A user has another password; all earlier sign-ins have ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPasswordChanged {
    /// Id of the user.
    pub user_id: UserId,
    /// Display name of the user.
    pub username: String,
    /// Mail address of the user.
    pub email: String,
    /// Time of the change.
    pub changed_at: Timestamp,
    /// Version of the user after the event.
    pub version: i64,
}

events! { "auth":
    UserRegistered = "user.registered.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    UserChanged = "user.changed.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    UserEmailChanged = "user.email_changed.v1",
        subject |event| event.user_id.to_string(), version |event| event.version;
    UserPasswordChanged = "user.password_changed.v1",
        subject |event| event.user_id.to_string(), version |event| event.version;
    PasswordResetRequested = "user.password_reset_requested.v1",
        subject |event| event.user_id.to_string(), version |event| event.version;
}
