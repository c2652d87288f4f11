//! Verification of access tokens: signature by a key of auth's JWKS, issuer, audience, expiry.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Timestamp, UserId};
use tokio::sync::{Mutex, RwLock};

/// Claim `iss` of every token.
pub const ISSUER: &str = "souk-auth";
/// Claim `aud` of every token.
pub const AUDIENCE: &str = "souk";
/// Capacity of the cache of verified tokens.
const CACHED_TOKENS: usize = 10_000;
/// Shortest interval between two fetches of the JWKS that an unknown key causes.
const REFRESH_PAUSE: Duration = Duration::from_secs(5);
/// Shortest interval between two fetches while none has succeeded.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Role of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A registered person who buys in the shop.
    Customer,
    /// A registered person who runs the shop.
    Admin,
    /// A visitor with a cart and without an account.
    Guest,
    /// Another service of the shop.
    Service,
}

/// Claims of an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer, always [`ISSUER`].
    pub iss: String,
    /// User id as text; the service's name in a service token.
    pub sub: String,
    /// Audience, always [`AUDIENCE`].
    pub aud: String,
    /// Expiry, in seconds since 1970.
    pub exp: i64,
    /// Time of issue, in seconds since 1970.
    pub iat: i64,
    /// Unique id of the token.
    pub jti: String,
    /// Display name; absent for guests and services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Role that the token grants.
    pub role: Role,
}

impl Claims {
    /// Returns the user's id; `None` for a service token.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        if self.role == Role::Service { None } else { self.sub.parse().ok() }
    }
}

/// Reason to refuse a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a token of this shop: wrong format, key, algorithm, issuer or audience.
    #[error("the token is not valid")]
    Invalid,
    /// A valid token past its expiry.
    #[error("the token has expired")]
    Expired,
    /// The keys cannot be fetched, so the token cannot be verified.
    #[error("auth's keys cannot be fetched: {0}")]
    KeysUnavailable(String),
}

/// Source of auth's public keys: auth's own store, or HTTP for every other service.
#[async_trait::async_trait]
pub trait JwksSource: Send + Sync + std::fmt::Debug {
    /// Returns the current keys. Errors: the reason, as a sentence.
    async fn fetch(&self) -> Result<JwkSet, String>;
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<JwkSet>,
    fetched_at: Option<Timestamp>,
}

/// Verifier of access tokens. Cloning shares the keys and the cache of verified tokens.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    source: Box<dyn JwksSource>,
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    fetching: Mutex<()>,
    verified: Cache<[u8; 32], Arc<Claims>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("source", &self.0.source).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Returns a verifier with the keys of `source`.
    #[must_use]
    pub fn new(source: impl JwksSource + 'static, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            source: Box::new(source),
            clock,
            keys: RwLock::default(),
            fetching: Mutex::default(),
            verified: Cache::new(CACHED_TOKENS),
        }))
    }

    /// Returns the claims of `token`. Of a token that was verified before only the expiry is checked.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let claims = self.verify_ignoring_expiry(token).await?;
        if self.0.clock.now().seconds() >= claims.exp { Err(Refused::Expired) } else { Ok(claims) }
    }

    /// Returns the claims of `token` even if it has expired: a guest's cart is merged all the same.
    pub async fn verify_ignoring_expiry(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let fingerprint = fingerprint(token);
        if let Some(claims) = self.0.verified.get(&fingerprint) {
            return Ok(claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        // Asymmetric algorithms only: with HMAC, a public key would pass for the shared secret.
        if !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA) {
            return Err(Refused::Invalid);
        }
        let kid = header.kid.ok_or(Refused::Invalid)?;
        let key = self.key(&kid, header.alg).await?;
        let mut rules = Validation::new(header.alg);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The expiry is checked by the injected clock, not by the library's.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &rules).map_err(|_| Refused::Invalid)?.claims;
        let claims = Arc::new(claims);
        self.0.verified.insert(fingerprint, Arc::clone(&claims));
        Ok(claims)
    }

    async fn key(&self, kid: &str, algorithm: Algorithm) -> Result<DecodingKey, Refused> {
        if let Some(key) = self.known(kid, algorithm).await {
            return Ok(key);
        }
        // One caller fetches; tokens of known keys are verified meanwhile.
        let _fetching = self.0.fetching.lock().await;
        if let Some(key) = self.known(kid, algorithm).await {
            return Ok(key);
        }
        let now = self.0.clock.now();
        self.may_fetch(now).await?;
        let fetched = self.0.source.fetch().await;
        let mut keys = self.0.keys.write().await;
        keys.fetched_at = Some(now);
        keys.set = Some(fetched.map_err(Refused::KeysUnavailable)?);
        keys.set.as_ref().and_then(|set| find(set, kid, algorithm)).ok_or(Refused::Invalid)
    }

    async fn known(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        self.0.keys.read().await.set.as_ref().and_then(|set| find(set, kid, algorithm))
    }

    /// Checks the interval since the last fetch. Within it, a key that is unknown beside known ones is refused as
    /// invalid; without any known key the token cannot be verified.
    async fn may_fetch(&self, now: Timestamp) -> Result<(), Refused> {
        let keys = self.0.keys.read().await;
        let (pause, refused) = match &keys.set {
            Some(_) => (REFRESH_PAUSE, Refused::Invalid),
            None => (FIRST_PAUSE, Refused::KeysUnavailable("the last attempt failed a moment ago".to_owned())),
        };
        if keys.fetched_at.is_some_and(|at| now.since(at) < pause) { Err(refused) } else { Ok(()) }
    }
}

fn find(set: &JwkSet, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let jwk = set.find(kid)?;
    let allowed = jwk.common.key_algorithm.is_none_or(|of_key| of_key.to_string() == format!("{algorithm:?}"));
    if allowed { DecodingKey::from_jwk(jwk).ok() } else { None }
}

/// Hash of the whole token, so that the cache holds no token.
fn fingerprint(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}
