//! Verifies access tokens: signature by a key of auth's JWKS, issuer, audience, time.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Timestamp, UserId};
use tokio::sync::{Mutex, RwLock};

/// `iss` of every token.
pub const ISSUER: &str = "souk-auth";
/// `aud` of every token.
pub const AUDIENCE: &str = "souk";
/// Verified tokens remembered at most, so that memory stays bounded.
const REMEMBERED_TOKENS: usize = 10_000;
/// An unknown key makes the JWKS be fetched again at most this often.
const REFRESH_PAUSE: Duration = Duration::from_secs(5);
/// While no key was ever fetched, auth is asked at most this often.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// What a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Registered.
    Customer,
    /// Runs the shop.
    Admin,
    /// Has a cart, and no account yet.
    Guest,
    /// Another service of the shop.
    Service,
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    pub iss: String,
    /// The user's id as text; of a service token, the service's name.
    pub sub: String,
    /// [`AUDIENCE`].
    pub aud: String,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// When it was issued, seconds since 1970.
    pub iat: i64,
    /// Unique.
    pub jti: String,
    /// The name shown; absent for guests and services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the caller is.
    pub role: Role,
}

impl Claims {
    /// The user, unless this is a service's token.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        if self.role == Role::Service { None } else { self.sub.parse().ok() }
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no token of this shop: wrong form, key, algorithm, issuer or audience.
    #[error("the token is not valid")]
    Invalid,
    /// It was valid until its time was over.
    #[error("the token has expired")]
    Expired,
    /// The keys cannot be fetched, so that nothing can be said about it.
    #[error("auth's keys cannot be fetched: {0}")]
    KeysUnavailable(String),
}

/// Where auth's public keys come from. Auth itself has them at hand; others fetch them.
#[async_trait::async_trait]
pub trait JwksSource: Send + Sync + std::fmt::Debug {
    /// The present keys. Errors: a sentence why they cannot be had.
    async fn fetch(&self) -> Result<JwkSet, String>;
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<JwkSet>,
    asked_at: Option<Timestamp>,
}

/// Verifies tokens. Cloning shares the keys and the memory of verified tokens.
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
    /// A verifier whose keys come from `source`.
    #[must_use]
    pub fn new(source: impl JwksSource + 'static, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            source: Box::new(source),
            clock,
            keys: RwLock::default(),
            fetching: Mutex::default(),
            verified: Cache::new(REMEMBERED_TOKENS),
        }))
    }

    /// The claims of `token`. A token verified before is only checked for its time.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let claims = self.verify_at_any_age(token).await?;
        if self.0.clock.now().seconds() >= claims.exp { Err(Refused::Expired) } else { Ok(claims) }
    }

    /// The claims of `token` though its time may be over: a guest's cart is merged even then.
    pub async fn verify_at_any_age(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let fingerprint = fingerprint(token);
        if let Some(claims) = self.0.verified.get(&fingerprint) {
            return Ok(claims);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        // Only signatures by a private key: a public key must never pass for a shared secret.
        if !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA) {
            return Err(Refused::Invalid);
        }
        let kid = header.kid.ok_or(Refused::Invalid)?;
        let key = self.key(&kid, header.alg).await?;
        let mut rules = Validation::new(header.alg);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is judged by the injected clock, not by the library's.
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
        // One fetches; tokens of known keys are verified meanwhile.
        let _fetching = self.0.fetching.lock().await;
        if let Some(key) = self.known(kid, algorithm).await {
            return Ok(key);
        }
        let now = self.0.clock.now();
        self.may_ask(now).await?;
        let fetched = self.0.source.fetch().await;
        let mut keys = self.0.keys.write().await;
        keys.asked_at = Some(now);
        keys.set = Some(fetched.map_err(Refused::KeysUnavailable)?);
        keys.set.as_ref().and_then(|set| find(set, kid, algorithm)).ok_or(Refused::Invalid)
    }

    async fn known(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        self.0.keys.read().await.set.as_ref().and_then(|set| find(set, kid, algorithm))
    }

    /// Whether auth may be asked at `now`. Known keys say that another is none of auth's; without any,
    /// nothing can be said yet.
    async fn may_ask(&self, now: Timestamp) -> Result<(), Refused> {
        let keys = self.0.keys.read().await;
        let (pause, refused) = match &keys.set {
            Some(_) => (REFRESH_PAUSE, Refused::Invalid),
            None => (FIRST_PAUSE, Refused::KeysUnavailable("they could not be fetched a moment ago".to_owned())),
        };
        if keys.asked_at.is_some_and(|at| now.since(at) < pause) { Err(refused) } else { Ok(()) }
    }
}

fn find(set: &JwkSet, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let jwk = set.find(kid)?;
    let allowed = jwk.common.key_algorithm.is_none_or(|of_key| of_key.to_string() == format!("{algorithm:?}"));
    if allowed { DecodingKey::from_jwk(jwk).ok() } else { None }
}

/// A hash of the whole token, so that the memory of verified tokens holds none.
fn fingerprint(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}
