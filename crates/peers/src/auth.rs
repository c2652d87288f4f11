//! The internal API of auth: users by their e-mail addresses.

use serde::{Deserialize, Serialize};
use souk_kit::{CallError, PeerClient, Peers, call::RetrySafety};
use souk_values::UserId;
use utoipa::ToSchema;

/// Body of `POST /internal/users/find`. Not a query: addresses do not belong in logs of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindUser {
    /// Whole e-mail address of the account, in any case.
    #[schema(min_length = 1, max_length = 200)]
    pub email: String,
}

/// The user of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundUser {
    /// Id of the user with the address; `null` if no account has it.
    pub user_id: Option<UserId>,
}

/// Client of auth's internal API.
#[derive(Debug, Clone)]
pub struct AuthPeer(PeerClient);

impl AuthPeer {
    /// Returns a client for calls of the service `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self(peers.client(from, "auth"))
    }

    /// Returns the user whose account has the address `email`, in any case.
    pub async fn user_with_email(&self, email: &str) -> Result<Option<UserId>, CallError> {
        let request = FindUser { email: email.to_owned() };
        let found: FoundUser = self.0.post("/internal/users/find", &request, RetrySafety::Idempotent).await?;
        Ok(found.user_id)
    }
}
