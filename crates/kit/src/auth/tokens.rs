//! Service tokens: fetched from auth against the configured secret, renewed at half-life; and the
//! JWKS fetched from auth.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Secret, Timestamp};
use tokio::sync::Mutex;

use crate::{CallError, PeerClient, auth::JwksSource, call::Repeat};

/// `POST /internal/tokens`: a service asks auth for its token.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceTokenRequest {
    /// Who asks, such as `order`.
    pub service: String,
    /// What all services of the shop are configured with.
    pub secret: String,
}

impl std::fmt::Debug for ServiceTokenRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceTokenRequest").field("service", &self.service).finish_non_exhaustive()
    }
}

/// Auth's answer.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceToken {
    /// A token with role `service`.
    pub access_token: String,
    /// Seconds that it lives.
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
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("renew_at", &self.renew_at).finish_non_exhaustive()
    }
}

/// The token with which one service calls others.
#[derive(Debug)]
pub struct ServiceTokens {
    service: &'static str,
    secret: Secret,
    auth: PeerClient,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
}

impl ServiceTokens {
    /// For calls of `service`; `auth` asks without a token.
    #[must_use]
    pub fn new(service: &'static str, secret: Secret, auth: PeerClient, clock: &Arc<dyn Clock>) -> Self {
        Self { service, secret, auth, clock: Arc::clone(clock), held: Mutex::new(None) }
    }

    /// A token that lives for at least half of its time. While auth is away the one at hand is used on.
    pub async fn get(&self) -> Result<Arc<str>, CallError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(held) = held.as_ref().filter(|held| now < held.renew_at) {
            return Ok(Arc::clone(&held.token));
        }
        let ask = ServiceTokenRequest { service: self.service.to_owned(), secret: self.secret.expose().clone() };
        match self.auth.post::<_, ServiceToken>("/internal/tokens", &ask, Repeat::Safe).await {
            Ok(issued) => {
                let token: Arc<str> = issued.access_token.into();
                let renew_at = now.plus(std::time::Duration::from_secs(issued.expires_in / 2));
                *held = Some(Held { token: Arc::clone(&token), renew_at });
                Ok(token)
            }
            Err(error) => match held.as_ref() {
                Some(held) => {
                    tracing::warn!(service = self.service, error = %error, "the service token could not be renewed");
                    Ok(Arc::clone(&held.token))
                }
                None => Err(error),
            },
        }
    }
}

/// Auth's keys, fetched over HTTP.
#[derive(Debug, Clone)]
pub struct RemoteJwks(pub PeerClient);

#[async_trait::async_trait]
impl JwksSource for RemoteJwks {
    async fn fetch(&self) -> Result<JwkSet, String> {
        self.0.get("/.well-known/jwks.json").await.map_err(|error| error.to_string())
    }
}
