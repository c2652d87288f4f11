//! The keys that sign tokens, and the public halves that others verify them with.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, OctetKeyPairParameters, OctetKeyPairType,
        PublicKeyUse, ThumbprintHash,
    },
};
use souk_kit::auth::Claims;
use souk_values::Secret;

use crate::error::AuthError;

/// Why a key cannot be used. Says nothing of the key itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeyError(&'static str);

/// A key that signs. Its `Debug` shows the public half's name only.
#[derive(Clone)]
pub struct SigningKey {
    /// RFC 7638 thumbprint of the public half.
    pub kid: String,
    /// ES256, RS256 or `EdDSA`.
    pub algorithm: Algorithm,
    /// The public half.
    pub public: Jwk,
    private: EncodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new ES256 key, with its private half in PKCS#8, base64, for the store.
    pub fn generate() -> Result<(Self, Secret), KeyError> {
        let failed = KeyError("a signing key could not be generated");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed.clone())?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| failed)?;
        Ok((Self::es256(pkcs8.as_ref())?, Secret::new(STANDARD.encode(pkcs8.as_ref()))))
    }

    /// A key that [`SigningKey::generate`] made.
    pub fn from_store(private: &Secret) -> Result<Self, KeyError> {
        let pkcs8 = STANDARD.decode(private.expose()).map_err(|_| KeyError("the stored signing key is not base64"))?;
        Self::es256(&pkcs8)
    }

    /// A configured key: P-256, RSA or Ed25519 in PEM, told apart by what it is.
    pub fn from_pem(pem: &Secret) -> Result<Self, KeyError> {
        // An environment variable cannot hold line breaks everywhere.
        let text = pem.expose().replace("\\n", "\n");
        let der = der_of(&text).ok_or(KeyError("the signing key is not a private key in PEM"))?;
        if let Ok(pair) = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
            let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError("the P-256 signing key cannot be used"))?;
            return Self::es256(pkcs8.as_ref());
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(&der) {
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            let public =
                OctetKeyPairParameters { key_type: OctetKeyPairType::OctetKeyPair, curve: EllipticCurve::Ed25519, x };
            let public =
                Jwk { common: CommonParameters::default(), algorithm: AlgorithmParameters::OctetKeyPair(public) };
            return Self::named(Algorithm::EdDSA, public, EncodingKey::from_ed_der(&der));
        }
        let unusable = KeyError("the signing key is none of P-256, RSA of 2048 bits or more, and Ed25519");
        let private = EncodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| unusable.clone())?;
        let public = Jwk::from_encoding_key(&private, Algorithm::RS256).map_err(|_| unusable)?;
        Self::named(Algorithm::RS256, public, private)
    }

    /// The token of `claims`.
    pub fn sign(&self, claims: &Claims) -> Result<String, AuthError> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private)
            .map_err(|error| AuthError::Defect(format!("a token could not be signed: {error}")))
    }

    fn es256(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let private = EncodingKey::from_ec_der(pkcs8);
        let public = Jwk::from_encoding_key(&private, Algorithm::ES256)
            .map_err(|_| KeyError("the stored signing key cannot be read"))?;
        Self::named(Algorithm::ES256, public, private)
    }

    fn named(algorithm: Algorithm, mut public: Jwk, private: EncodingKey) -> Result<Self, KeyError> {
        let kid = public
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| KeyError("the signing key's public half cannot be named"))?;
        public.common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(algorithm.into()),
            key_id: Some(kid.clone()),
            ..CommonParameters::default()
        };
        let key = Self { kid, algorithm, public, private };
        // A key that cannot sign is found at the start, not at the first sign-in.
        let probe = crate::session::claims(
            String::new(),
            String::new(),
            souk_values::Timestamp::EPOCH,
            souk_kit::auth::Role::Guest,
            None,
        );
        key.sign(&probe).map_err(|_| KeyError("the signing key cannot sign; RSA keys have at least 2048 bits"))?;
        Ok(key)
    }
}

fn der_of(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
