//! The keys that sign tokens, and their turnover.
//!
//! A generated key signs for `auth.signing-key-days`. Its successor is published ahead, so that verifiers know it before it
//! signs; the old key stays in the key set until the last of its tokens has expired, and its private half is erased when it
//! no longer signs. Each replica records every minute which key it signs with: a key that no replica records is retired.
//! Successors are numbered under a unique index, so that of several replicas one makes the next.

use std::{sync::Arc, time::Duration};

use parking_lot::RwLock;
use souk_kit::{StartError, auth::ACCESS_LIFETIME};
use souk_sql::SqlError;
use souk_values::{Clock, Timestamp};

use crate::{
    AuthConfig,
    signing::{KeyError, SigningKey},
    store::{AuthStore, GeneratedKey},
};

/// Time between the publication of a key and its first signature. Verifiers read the keys every minute.
pub(crate) const PUBLISHED_AHEAD: Duration = Duration::from_secs(600);
/// Interval at which a replica records its key and looks for a newer one.
pub(crate) const PERIOD: Duration = Duration::from_secs(60);
/// Time after its last recorded use in which a key verifies: the life of a token, and a few missed records.
pub(crate) const LISTED_AFTER_USE: Duration = Duration::from_secs(ACCESS_LIFETIME.as_secs() + 5 * PERIOD.as_secs());

/// The key that this replica signs with.
#[derive(Debug)]
pub(crate) struct Keyring {
    signing: RwLock<Arc<SigningKey>>,
    /// True if the key is configured, so that turning it over is the operator's.
    is_configured: bool,
    /// Age at which a generated key gets a successor.
    lifetime: Duration,
}

/// Reason for which keys cannot be turned over now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    #[error(transparent)]
    Store(#[from] SqlError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Keyring {
    /// Loads the configured key, or the store's, which is generated when the store has none.
    pub(crate) async fn open(config: &AuthConfig, store: &AuthStore, clock: &dyn Clock) -> Result<Self, StartError> {
        let unusable = |error: KeyError| StartError::Other(format!("auth.signing-key-pem: {error}"));
        let now = clock.now();
        let is_configured = !config.signing_key_pem.expose().is_empty();
        let key = if is_configured {
            let key = SigningKey::from_pem(&config.signing_key_pem).map_err(unusable)?;
            store.insert_key(&key, None, now).await?;
            store.key_used(&key.kid, now).await?;
            key
        } else {
            generated(store, now).await.map_err(|error| match error {
                TurnError::Store(error) => error.into(),
                TurnError::Key(error) => unusable(error),
            })?
        };
        let lifetime = Duration::from_secs(u64::from(config.signing_key_days) * 86_400);
        Ok(Self { signing: RwLock::new(Arc::new(key)), is_configured, lifetime })
    }

    /// Returns the key that signs now.
    pub(crate) fn signing(&self) -> Arc<SigningKey> {
        Arc::clone(&self.signing.read())
    }

    /// Makes a successor of a key that is old enough, changes to the one that is to sign at `now`, and records its use.
    pub(crate) async fn turn(&self, store: &AuthStore, now: Timestamp) -> Result<(), TurnError> {
        if self.is_configured {
            store.key_used(&self.signing().kid, now).await?;
        } else {
            let keys = store.generated_keys().await?;
            if keys
                .iter()
                .max_by_key(|key| key.generation)
                .is_some_and(|key| now.since(key.created_at) >= self.lifetime)
            {
                make_successor(store, &keys, now).await?;
            }
            let key = generated(store, now).await?;
            if key.kid != self.signing().kid {
                tracing::info!(key.id = key.kid, "tokens are signed with a newer key from now on");
                *self.signing.write() = Arc::new(key);
            }
        }
        Ok(store.retire_keys(now).await?)
    }
}

/// Returns the store's key that is to sign at `now`, and records its use. Makes the first one.
async fn generated(store: &AuthStore, now: Timestamp) -> Result<SigningKey, TurnError> {
    let mut keys = store.generated_keys().await?;
    if keys.is_empty() {
        make_successor(store, &[], now).await?;
        // Read back even after an insert: of several replicas that start together, one makes the key.
        keys = store.generated_keys().await?;
    }
    let chosen = choose(&keys, now).ok_or(SqlError::Failed("the store did not keep the signing key".into()))?;
    let key = SigningKey::from_store(&chosen.private)?;
    store.key_used(&key.kid, now).await?;
    store.erase_private_keys(chosen.generation).await?;
    Ok(key)
}

async fn make_successor(store: &AuthStore, keys: &[GeneratedKey], now: Timestamp) -> Result<(), TurnError> {
    let (key, private) = SigningKey::generate()?;
    let generation = keys.iter().map(|key| key.generation).max().map_or(0, |latest| latest + 1);
    store.insert_key(&key, Some((&private, generation)), now).await?;
    Ok(())
}

/// Returns the newest key that was published long enough ago; the oldest if none was.
fn choose(keys: &[GeneratedKey], now: Timestamp) -> Option<&GeneratedKey> {
    let published = keys.iter().filter(|key| now.since(key.created_at) >= PUBLISHED_AHEAD);
    published.max_by_key(|key| key.generation).or_else(|| keys.iter().min_by_key(|key| key.generation))
}

#[cfg(test)]
mod tests {
    use souk_values::Secret;

    use super::*;

    #[test]
    fn a_new_key_signs_once_it_is_known_and_an_only_key_at_once() {
        let key = |generation, second: i64| GeneratedKey {
            generation,
            created_at: Timestamp::from_millis(second * 1_000),
            private: Secret::default(),
        };
        let chosen = |keys: &[GeneratedKey], second: i64| {
            choose(keys, Timestamp::from_millis(second * 1_000)).map(|key| key.generation)
        };
        assert_eq!(chosen(&[], 0), None);
        assert_eq!(chosen(&[key(0, 0)], 0), Some(0));
        let two = [key(0, 0), key(1, 1_000)];
        assert_eq!((chosen(&two, 1_000), chosen(&two, 1_599), chosen(&two, 1_600)), (Some(0), Some(0), Some(1)));
        // A key whose predecessor was deleted.
        assert_eq!(chosen(&[key(1, 1_000)], 1_000), Some(1));
        assert_eq!(chosen(&[key(2, 900), key(1, 1_000)], 1_000), Some(1));
    }
}
