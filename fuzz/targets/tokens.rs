//! Access tokens: nothing verifies but what the key has signed, and claims of any form are only refused.
#![no_main]

#[path = "../../crates/kit/src/auth"]
mod auth {
    pub mod ended;
    pub mod signed_token;
    pub mod verifier;

    pub use ended::ACCESS_LIFETIME;
    pub use verifier::{AUDIENCE, Authority, Claims, ISSUER, Role, Verifier};
}

use std::sync::{Arc, LazyLock};

use auth::{AUDIENCE, Authority, Claims, ISSUER, Role, Verifier};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use libfuzzer_sys::fuzz_target;
use souk_values::{Clock, SystemClock};
use tokio::runtime::Runtime;

/// A key, its public half, and a verifier that knows it.
struct World {
    runtime: Runtime,
    private: EncodingKey,
    verifier: Verifier,
}

#[derive(Debug)]
struct OneKey(JwkSet);

#[async_trait::async_trait]
impl Authority for OneKey {
    async fn keys(&self) -> Result<JwkSet, String> {
        Ok(self.0.clone())
    }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let mut public = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    public.common.key_id = Some("k".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let verifier = Verifier::new(OneKey(JwkSet { keys: vec![public] }), Arc::new(SystemClock));
    World { runtime, private, verifier }
});

fuzz_target!(|data: &[u8]| {
    let world = &*WORLD;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let verify = |token: &str| world.runtime.block_on(world.verifier.verify(token));
    assert!(verify(text).is_err(), "a token without a signature was accepted");
    // The text as header and claims of a genuine signature.
    let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
    if let Ok(claims) = serde_json::from_str::<serde_json::Value>(text)
        && let Ok(token) = jsonwebtoken::encode(&header, &claims, &world.private)
        && let Ok(read) = verify(&token)
    {
        assert_eq!((read.iss.as_str(), read.aud.as_str()), (ISSUER, AUDIENCE));
        assert!(read.exp > SystemClock.now().seconds() - 5);
        let _ = (read.user_id(), read.sign_in());
    }
    // A genuine token with a part replaced.
    let claims = Claims {
        iss: ISSUER.to_owned(),
        sub: "7".to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: SystemClock.now().seconds() + 60,
        iat: 0,
        jti: "f.t".to_owned(),
        username: None,
        role: Role::Guest,
        epoch: 0,
    };
    let token = jsonwebtoken::encode(&header, &claims, &world.private).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    for at in 0..parts.len() {
        let mut forged = parts.clone();
        forged[at] = text;
        let forged = forged.join(".");
        assert!(forged == token || verify(&forged).is_err(), "{forged}");
    }
});
