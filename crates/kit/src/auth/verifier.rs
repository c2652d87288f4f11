//! Verification of access tokens: signature by a key of auth's JWKS, issuer, audience, expiry, and rights that have not
//! ended.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, DecodingKey, jwk::JwkSet};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use souk_values::{Clock, Timestamp, UserId};
use tokio::{
    sync::{Mutex, RwLock},
    time::Instant,
};

use super::{
    ended::{Cursor, Ended, EndedRights, PERIOD},
    signed_token::{self, SignedToken},
};

/// Claim `iss` of every token.
pub const ISSUER: &str = "souk-auth";
/// Claim `aud` of every token.
pub const AUDIENCE: &str = "souk";
/// Capacity of the cache of verified tokens.
const CACHED_TOKENS: usize = 10_000;
/// Shortest interval between two fetches of the JWKS that an unknown key causes.
const REFRESH_PAUSE: Duration = Duration::from_secs(5);
/// Shortest interval between two fetches while there are no current keys.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Age above which keys are fetched again before they verify anything: no token lives longer.
const MAX_KEYS_AGE: Duration = super::ACCESS_LIFETIME;
/// Time limit of a read of the ended rights, so that an auth that hangs does not make everything else hang.
const READ_LIMIT: Duration = Duration::from_secs(1);
/// Time without a token to verify after which the ended rights are no longer read.
const IDLE: Duration = Duration::from_secs(60);

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
    /// Number of times that all sign-ins of the user had ended when the token was issued.
    #[serde(default)]
    pub epoch: i64,
}

impl Claims {
    /// Returns the id of the sign-in that the token belongs to; `None` for a service's token.
    #[must_use]
    pub fn sign_in(&self) -> Option<&str> {
        self.jti.split_once('.').map(|(sign_in, _)| sign_in)
    }

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
    /// A valid token of a sign-in that was ended, or of a user who was locked or got another role or password.
    #[error("the token's sign-in has ended")]
    Ended,
    /// The keys cannot be fetched, so the token cannot be verified.
    #[error("auth's keys cannot be fetched: {0}")]
    KeysUnavailable(String),
}

/// The keys and ended rights that verifiers read from auth: from its own store within auth, over HTTP elsewhere.
#[async_trait::async_trait]
pub trait Authority: Send + Sync + std::fmt::Debug {
    /// Returns the current public keys. Errors: the reason, as a sentence.
    async fn keys(&self) -> Result<JwkSet, String>;

    /// Returns the rights that ended at or after `since`, and all that matter without it. The default is an authority that
    /// never ends any. Errors: the reason, as a sentence.
    async fn ended(&self, since: Option<Timestamp>) -> Result<EndedRights, String> {
        let _ = since;
        Ok(EndedRights::NONE)
    }
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<JwkSet>,
    /// Time of the last attempt to fetch them.
    fetched_at: Option<Timestamp>,
    /// Time of the last success.
    read_at: Option<Timestamp>,
}

impl Keys {
    /// Returns true if there are keys that are not older than [`MAX_KEYS_AGE`].
    fn are_current(&self, now: Timestamp) -> bool {
        self.read_at.is_some_and(|at| now.since(at) < MAX_KEYS_AGE)
    }
}

/// Verifier of access tokens. Cloning shares the keys, the cache of verified tokens and the ended rights.
///
/// While there are tokens to verify, auth's list of ended rights is read every 400 ms by a task that ends with the last
/// clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    authority: Box<dyn Authority>,
    clock: Arc<dyn Clock>,
    keys: RwLock<Keys>,
    fetching: Mutex<()>,
    verified: Cache<[u8; 32], Arc<Claims>>,
    ended: Ended,
    /// Held while the ended rights are read.
    cursor: Mutex<Cursor>,
    /// True while a task reads the ended rights.
    is_following: AtomicBool,
    /// Time of the last verification, in milliseconds since `created_at`.
    last_used: AtomicU64,
    created_at: Instant,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("authority", &self.0.authority).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Returns a verifier with the keys and ended rights of `authority`.
    #[must_use]
    pub fn new(authority: impl Authority + 'static, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            authority: Box::new(authority),
            clock,
            keys: RwLock::default(),
            fetching: Mutex::default(),
            verified: Cache::new(CACHED_TOKENS),
            ended: Ended::default(),
            cursor: Mutex::default(),
            is_following: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
            created_at: Instant::now(),
        }))
    }

    /// Returns the claims of `token`. Of a token that was verified before, only the expiry and the ended rights are checked.
    ///
    /// While auth cannot be reached, the ended rights are those known before.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        let claims = self.verify_ignoring_expiry(token).await?;
        self.check(&claims).await?;
        Ok(claims)
    }

    /// Checks claims that were verified before, such as those of a stream's caller: they may have expired or ended since.
    pub async fn check(&self, claims: &Claims) -> Result<(), Refused> {
        if self.0.clock.now().seconds() >= claims.exp {
            return Err(Refused::Expired);
        }
        self.follow().await;
        if self.0.ended.covers(claims) { Err(Refused::Ended) } else { Ok(()) }
    }

    /// Like [`Verifier::check`], with a list of ended rights that is at most a second old: if it is older, auth is queried
    /// now. For admins, whose rights are worth most to a thief.
    ///
    /// Errors: `KeysUnavailable` also if auth cannot be reached.
    pub async fn confirm(&self, claims: &Claims) -> Result<(), Refused> {
        self.follow().await;
        if !self.0.ended.is_fresh(Instant::now()) {
            self.0.read_ended().await;
            if !self.0.ended.is_fresh(Instant::now()) {
                return Err(Refused::KeysUnavailable("it does not list the rights that have ended".to_owned()));
            }
        }
        self.check(claims).await
    }

    /// Sees to it that the ended rights are read from now on. The first caller waits until they are known.
    async fn follow(&self) {
        self.0.last_used.store(self.0.elapsed_ms(), Ordering::SeqCst);
        if self.0.is_following.load(Ordering::SeqCst) {
            return;
        }
        self.0.read_ended().await;
        if !self.0.is_following.swap(true, Ordering::SeqCst) {
            tokio::spawn(follow(Arc::downgrade(&self.0)));
        }
    }

    /// Returns the claims of `token` even if it has expired or ended: a guest's cart is merged all the same.
    pub async fn verify_ignoring_expiry(&self, token: &str) -> Result<Arc<Claims>, Refused> {
        // First of all: after an idle time this reads the keys again, and a token of a key that is gone leaves the cache.
        self.follow().await;
        let fingerprint = fingerprint(token);
        if let Some(claims) = self.0.verified.get(&fingerprint)
            && self.0.keys.read().await.are_current(self.0.clock.now())
        {
            return Ok(claims);
        }
        let signed = SignedToken::parse(token).ok_or(Refused::Invalid)?;
        let key = self.key(&signed.kid, signed.algorithm).await?;
        let claims = Arc::new(signed.claims(&key, AUDIENCE).ok_or(Refused::Invalid)?);
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
        self.0.fetch_keys(now).await.map_err(Refused::KeysUnavailable)?;
        self.known(kid, algorithm).await.ok_or(Refused::Invalid)
    }

    async fn known(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let keys = self.0.keys.read().await;
        let are_current = keys.are_current(self.0.clock.now());
        keys.set.as_ref().filter(|_| are_current).and_then(|set| signed_token::key(set, kid, algorithm))
    }

    /// Checks the interval since the last fetch. Within it, a key that is unknown beside current ones is refused as
    /// invalid; without current keys the token cannot be verified.
    async fn may_fetch(&self, now: Timestamp) -> Result<(), Refused> {
        let keys = self.0.keys.read().await;
        let (pause, refused) = if keys.are_current(now) {
            (REFRESH_PAUSE, Refused::Invalid)
        } else {
            (FIRST_PAUSE, Refused::KeysUnavailable("the last attempt failed a moment ago".to_owned()))
        };
        if keys.fetched_at.is_some_and(|at| now.since(at) < pause) { Err(refused) } else { Ok(()) }
    }
}

impl Inner {
    /// Replaces the keys by auth's current ones. A key that is gone ends the tokens that it verified.
    async fn fetch_keys(&self, now: Timestamp) -> Result<(), String> {
        let fetched = self.authority.keys().await;
        let mut keys = self.keys.write().await;
        keys.fetched_at = Some(now);
        let set = Some(fetched?);
        keys.read_at = Some(now);
        if keys.set != set {
            keys.set = set;
            self.verified.clear();
        }
        Ok(())
    }

    /// Reads the rights that have ended since the last read; once a minute all of them, and the keys. A failure leaves what
    /// is known, and is retried by the next read.
    async fn read_ended(&self) {
        let mut cursor = self.cursor.lock().await;
        let began = Instant::now();
        // Another caller read them while this one waited.
        if self.ended.is_current(began) {
            return;
        }
        let since = cursor.since(began);
        let read = tokio::time::timeout(READ_LIMIT, self.authority.ended(since)).await;
        let outcome = read.unwrap_or_else(|_| Err("no response in time".to_owned()));
        let is_failure = outcome.is_err();
        let has_begun_to_fail = cursor.has_begun_to_fail(is_failure);
        match outcome {
            Ok(rights) => self.ended.learn(rights, &mut cursor, began),
            Err(error) if has_begun_to_fail => {
                tracing::warn!(error, "rights that end are not noticed until auth can be reached; retrying");
            }
            Err(_) => {}
        }
        drop(cursor);
        if since.is_none() && !is_failure && self.keys.read().await.set.is_some() {
            let _fetching = self.fetching.lock().await;
            if let Err(error) = self.fetch_keys(self.clock.now()).await {
                tracing::warn!(error, "auth's keys could not be fetched again; retrying");
            }
        }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.created_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_idle(&self) -> bool {
        let idle_ms = self.elapsed_ms().saturating_sub(self.last_used.load(Ordering::SeqCst));
        Duration::from_millis(idle_ms) > IDLE
    }
}

/// Reads the ended rights until there is no verifier, or nothing to verify, any more.
async fn follow(inner: Weak<Inner>) {
    loop {
        // Real time on purpose: a moved test clock neither delays nor hurries the end of a right.
        tokio::time::sleep(PERIOD).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.is_idle() {
            inner.is_following.store(false, Ordering::SeqCst);
            // A verification that came between saw a task that follows, and relies on it.
            if inner.is_idle() || inner.is_following.swap(true, Ordering::SeqCst) {
                return;
            }
        }
        inner.read_ended().await;
    }
}

/// Hash of the whole token, so that the cache holds no token.
fn fingerprint(token: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    bytes
}
