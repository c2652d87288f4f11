//! Keys that auth retires, at a verifier elsewhere.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use parking_lot::Mutex;
use souk_kit::auth::{AUDIENCE, Authority, Claims, ISSUER, Refused, Role, Verifier};
use souk_values::{Clock, ShiftedClock};

/// A little more than the interval in which a verifier reads the keys again. Keys verify tokens for 15 minutes.
const MINUTE: Duration = Duration::from_millis(60_500);

struct SigningKey {
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    fn new(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
        public.common.key_id = Some(kid.to_owned());
        Self { private, public }
    }

    /// Returns a token that expires long after every key of these tests.
    fn token(&self, clock: &dyn Clock, jti: &str) -> String {
        let now = clock.now().seconds();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: "7".to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: now + 86_400,
            iat: now,
            jti: jti.to_owned(),
            username: None,
            role: Role::Customer,
            epoch: 0,
        };
        let header = Header { kid: self.public.common.key_id.clone(), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.private).unwrap()
    }
}

/// An auth whose keys a test changes.
#[derive(Debug, Clone)]
struct FakeAuth {
    keys: Arc<Mutex<Option<JwkSet>>>,
    reads: Arc<AtomicU32>,
}

#[async_trait::async_trait]
impl Authority for FakeAuth {
    async fn keys(&self) -> Result<JwkSet, String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.keys.lock().clone().ok_or_else(|| "auth is away".to_owned())
    }
}

struct Rig {
    auth: FakeAuth,
    clock: Arc<ShiftedClock>,
    verifier: Verifier,
}

impl Rig {
    fn new(key: &SigningKey) -> Self {
        souk_kit::install_crypto();
        let auth = FakeAuth { keys: Arc::default(), reads: Arc::default() };
        let clock = ShiftedClock::new(Duration::ZERO);
        let rig = Self { verifier: Verifier::new(auth.clone(), clock.clone()), auth, clock };
        rig.list(&[key]);
        rig
    }

    fn list(&self, keys: &[&SigningKey]) {
        let keys = keys.iter().map(|key| key.public.clone()).collect();
        *self.auth.keys.lock() = Some(JwkSet { keys });
    }

    async fn later(&self, by: Duration) {
        self.clock.advance(by);
        tokio::time::sleep(by).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_retired_key_ends_within_a_minute_even_if_no_new_one_is_seen() {
    let [old, new] = [SigningKey::new("old"), SigningKey::new("new")];
    let rig = Rig::new(&old);
    let [first, second] = ["1", "2"].map(|jti| old.token(&*rig.clock, jti));
    rig.verifier.verify(&first).await.unwrap();
    rig.list(&[&new]);
    // Half a minute later the verifier does not know yet, and a token that it meets keeps it reading.
    rig.later(MINUTE / 2).await;
    rig.verifier.verify(&first).await.unwrap();
    rig.later(MINUTE / 2).await;
    for token in [&first, &second] {
        assert_eq!(rig.verifier.verify(token).await, Err(Refused::Invalid));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_token_after_an_idle_time_meets_current_keys() {
    let [old, new] = [SigningKey::new("old"), SigningKey::new("new")];
    let rig = Rig::new(&old);
    let token = old.token(&*rig.clock, "1");
    rig.verifier.verify(&token).await.unwrap();
    rig.later(3 * MINUTE).await;
    let reads = rig.auth.reads.load(Ordering::SeqCst);
    rig.list(&[&new]);
    rig.later(3 * MINUTE).await;
    assert_eq!(rig.auth.reads.load(Ordering::SeqCst), reads, "an idle verifier reads");
    assert_eq!(rig.verifier.verify(&token).await, Err(Refused::Invalid));
}

#[tokio::test(start_paused = true)]
async fn keys_verify_nothing_once_they_are_as_old_as_a_token_can_be() {
    let key = SigningKey::new("only");
    let rig = Rig::new(&key);
    let [known, unknown] = ["1", "2"].map(|jti| key.token(&*rig.clock, jti));
    rig.verifier.verify(&known).await.unwrap();
    let keys = rig.auth.keys.lock().take();
    rig.later(14 * MINUTE).await;
    rig.verifier.verify(&known).await.unwrap();
    rig.later(MINUTE).await;
    for token in [&known, &unknown] {
        let outcome = rig.verifier.verify(token).await;
        assert!(matches!(outcome, Err(Refused::KeysUnavailable(_))), "{outcome:?}");
    }
    // With auth back, the same keys verify again.
    *rig.auth.keys.lock() = keys;
    rig.later(MINUTE).await;
    for token in [&known, &unknown] {
        rig.verifier.verify(token).await.unwrap();
    }
}
