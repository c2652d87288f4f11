//! Fetches from auth: the service token, exchanged for the configured secret and renewed at half-life, the JWKS and the
//! ended rights.

use std::sync::Arc;

use futures::future::BoxFuture;
use jsonwebtoken::jwk::JwkSet;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Secret, Timestamp};
use tokio::sync::Semaphore;

use crate::{
    CallError, PeerClient, Peers,
    auth::{Authority, EndedRights},
    call::RetrySafety,
};

/// Request of `POST /internal/tokens`, the exchange of the shop's secret for a service token.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceTokenRequest {
    /// Name of the requesting service, such as `order`.
    pub service: String,
    /// The configured `shop.service-secret`, the same for all services of the shop.
    pub secret: String,
}

impl std::fmt::Debug for ServiceTokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceTokenRequest").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Response of `POST /internal/tokens`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceToken {
    /// Access token with the role `service`, a signed JWT.
    pub access_token: String,
    /// Lifetime of the token in seconds.
    pub expires_in: u64,
}

impl std::fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceToken").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

struct Held {
    token: Arc<str>,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

/// The token with which one service calls others. Cloning shares it.
#[derive(Debug, Clone)]
pub struct ServiceTokens(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: &'static str,
    secret: Secret,
    auth: PeerClient,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
    /// Held while a token is requested, so that concurrent calls cause one request.
    requesting: Semaphore,
}

impl ServiceTokens {
    /// Returns the tokens of `service`, requested through `auth`, a client that sends no token itself.
    #[must_use]
    pub fn new(service: &'static str, secret: Secret, auth: PeerClient, clock: &Arc<dyn Clock>) -> Self {
        let clock = Arc::clone(clock);
        Self(Arc::new(Inner { service, secret, auth, clock, held: Mutex::default(), requesting: Semaphore::new(1) }))
    }

    /// Returns a valid token. Past half of its lifetime it is renewed in the background, so that no call waits for auth
    /// while the current token is valid.
    ///
    /// Boxed, because the request to auth is itself a call like the one the token is for.
    #[must_use]
    pub fn get(&self) -> BoxFuture<'_, Result<Arc<str>, CallError>> {
        Box::pin(async move {
            if let Some((token, is_young)) = self.held(self.0.clock.now()) {
                if !is_young {
                    let tokens = self.clone();
                    tokio::spawn(async move { tokens.renew_in_background().await });
                }
                return Ok(token);
            }
            // The call that held the permit before may have fetched a token.
            let _requesting = self.0.requesting.acquire().await;
            match self.held(self.0.clock.now()) {
                Some((token, _)) => Ok(token),
                None => self.0.request().await,
            }
        })
    }

    /// Returns the current token if it is valid at `now`, and true while it is in the first half of its lifetime.
    fn held(&self, now: Timestamp) -> Option<(Arc<str>, bool)> {
        let held = self.0.held.lock();
        let held = held.as_ref().filter(|held| now < held.ends_at)?;
        Some((Arc::clone(&held.token), now < held.renew_at))
    }

    async fn renew_in_background(&self) {
        let Ok(_requesting) = self.0.requesting.try_acquire() else { return };
        if let Err(error) = self.0.request().await {
            tracing::warn!(service = self.0.service, error = %error, "the service token could not be renewed yet");
        }
    }
}

impl Inner {
    async fn request(&self) -> Result<Arc<str>, CallError> {
        let now = self.clock.now();
        let request = ServiceTokenRequest { service: self.service.to_owned(), secret: self.secret.expose().clone() };
        let issued: ServiceToken = self.auth.post("/internal/tokens", &request, RetrySafety::Idempotent).await?;
        let token: Arc<str> = issued.access_token.into();
        let after = |seconds| now.plus(std::time::Duration::from_secs(seconds));
        let held = Held {
            token: Arc::clone(&token),
            renew_at: after(issued.expires_in / 2),
            ends_at: after(issued.expires_in),
        };
        *self.held.lock() = Some(held);
        Ok(token)
    }
}

/// Caller in whose name the verifier of a process reads from auth.
pub const VERIFIER: &str = "verifier";

/// Auth's public keys and the ended rights, read over HTTP.
#[derive(Debug, Clone)]
pub struct RemoteAuthority {
    plain: PeerClient,
    with_token: PeerClient,
}

impl RemoteAuthority {
    /// Returns the authority that the process reaches through `peers`, in the name of `from`.
    #[must_use]
    pub fn new(peers: &Peers, from: &'static str) -> Self {
        Self { plain: peers.plain_client(from, "auth"), with_token: peers.client(from, "auth") }
    }
}

#[async_trait::async_trait]
impl Authority for RemoteAuthority {
    async fn keys(&self) -> Result<JwkSet, String> {
        self.plain.get("/.well-known/jwks.json").await.map_err(|error| error.to_string())
    }

    async fn ended(&self, since: Option<Timestamp>) -> Result<EndedRights, String> {
        let query = since.map(|since| format!("?since={}", since.millis())).unwrap_or_default();
        let path = format!("/internal/ended-rights{query}");
        self.with_token.get(&path).await.map_err(|error| error.to_string())
    }
}
