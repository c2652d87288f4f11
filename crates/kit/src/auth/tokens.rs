//! Service tokens: fetched from auth against the configured secret, renewed at half-life; and the
//! JWKS fetched from auth.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Secret, Timestamp};
use tokio::sync::Semaphore;

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
    asking: Semaphore,
}

impl ServiceTokens {
    /// For calls of `service`; `auth` asks without a token.
    #[must_use]
    pub fn new(service: &'static str, secret: Secret, auth: PeerClient, clock: &Arc<dyn Clock>) -> Self {
        let (clock, held, asking) = (Arc::clone(clock), Mutex::default(), Semaphore::new(1));
        Self(Arc::new(Inner { service, secret, auth, clock, held, asking }))
    }

    /// A token that is good now. Past half of its time it is renewed beside the call that finds out, so
    /// that nobody waits for auth as long as the one at hand is good.
    ///
    /// Boxed, because asking auth is itself a call like the one the token is for.
    #[must_use]
    pub fn get(&self) -> BoxFuture<'_, Result<Arc<str>, CallError>> {
        Box::pin(async move {
            if let Some((token, is_young)) = self.held(self.0.clock.now()) {
                if !is_young {
                    let tokens = self.clone();
                    tokio::spawn(async move { tokens.renew_beside().await });
                }
                return Ok(token);
            }
            // Whoever waited finds the token that the one before has fetched.
            let _asking = self.0.asking.acquire().await;
            match self.held(self.0.clock.now()) {
                Some((token, _)) => Ok(token),
                None => self.0.ask().await,
            }
        })
    }

    /// The token at hand if it is good at `now`, and whether less than half of its time is over.
    fn held(&self, now: Timestamp) -> Option<(Arc<str>, bool)> {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.as_ref().filter(|held| now < held.ends_at)?;
        Some((Arc::clone(&held.token), now < held.renew_at))
    }

    async fn renew_beside(&self) {
        let Ok(_asking) = self.0.asking.try_acquire() else { return };
        if let Err(error) = self.0.ask().await {
            tracing::warn!(service = self.0.service, error = %error, "the service token could not be renewed yet");
        }
    }
}

impl Inner {
    async fn ask(&self) -> Result<Arc<str>, CallError> {
        let now = self.clock.now();
        let ask = ServiceTokenRequest { service: self.service.to_owned(), secret: self.secret.expose().clone() };
        let issued: ServiceToken = self.auth.post("/internal/tokens", &ask, Repeat::Safe).await?;
        let token: Arc<str> = issued.access_token.into();
        let lives = |seconds| now.plus(std::time::Duration::from_secs(seconds));
        let (renew_at, ends_at) = (lives(issued.expires_in / 2), lives(issued.expires_in));
        let held = Held { token: Arc::clone(&token), renew_at, ends_at };
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        Ok(token)
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
