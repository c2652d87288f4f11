//! Keys that sign access tokens, and the public halves that verify them.

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

/// Reason for which a key cannot be used, without any part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct KeyError(&'static str);

#[derive(Debug, thiserror::Error)]
#[error("an access token could not be signed: {0}")]
pub(crate) struct SigningError(#[from] jsonwebtoken::errors::Error);

/// A private key with its public half. `Debug` shows the `kid` and the algorithm only.
#[derive(Clone)]
pub(crate) struct SigningKey {
    /// RFC 7638 thumbprint of the public half.
    pub(crate) kid: String,
    /// `ES256`, `RS256` or `EdDSA`.
    pub(crate) algorithm: Algorithm,
    pub(crate) public: Jwk,
    private: EncodingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Generates an ES256 key. Also returns its private half for the store, as PKCS#8 in base64.
    pub(crate) fn generate() -> Result<(Self, Secret), KeyError> {
        let failed = KeyError("a signing key could not be generated");
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| failed.clone())?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| failed)?;
        Ok((Self::es256(pkcs8.as_ref())?, Secret::new(STANDARD.encode(pkcs8.as_ref()))))
    }

    /// Parses a private half that [`SigningKey::generate`] returned.
    pub(crate) fn from_store(private: &Secret) -> Result<Self, KeyError> {
        let pkcs8 = STANDARD.decode(private.expose()).map_err(|_| KeyError("the stored signing key is not base64"))?;
        Self::es256(&pkcs8)
    }

    /// Parses a configured key: P-256, RSA or Ed25519 in PEM, recognized by its content.
    pub(crate) fn from_pem(pem: &Secret) -> Result<Self, KeyError> {
        // Tools that cannot put line breaks into an environment variable write `\n`.
        let text = pem.expose().replace("\\n", "\n");
        let der = private_key_der(&text).ok_or(KeyError("the signing key is not a private key in PEM"))?;
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
            return Self::with_kid(Algorithm::EdDSA, public, EncodingKey::from_ed_der(&der));
        }
        let unusable = KeyError("the signing key is none of P-256, RSA of 2048 bits or more, and Ed25519");
        let private = EncodingKey::from_rsa_pem(text.as_bytes()).map_err(|_| unusable.clone())?;
        let public = Jwk::from_encoding_key(&private, Algorithm::RS256).map_err(|_| unusable)?;
        Self::with_kid(Algorithm::RS256, public, private)
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, SigningError> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(self.algorithm) };
        Ok(jsonwebtoken::encode(&header, claims, &self.private)?)
    }

    fn es256(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let private = EncodingKey::from_ec_der(pkcs8);
        let public = Jwk::from_encoding_key(&private, Algorithm::ES256)
            .map_err(|_| KeyError("the stored signing key cannot be read"))?;
        Self::with_kid(Algorithm::ES256, public, private)
    }

    fn with_kid(algorithm: Algorithm, mut public: Jwk, private: EncodingKey) -> Result<Self, KeyError> {
        let kid = public
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| KeyError("the signing key's public half has no thumbprint"))?;
        public.common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(algorithm.into()),
            key_id: Some(kid.clone()),
            ..CommonParameters::default()
        };
        let key = Self { kid, algorithm, public, private };
        // Signs once now: a key that cannot sign is reported at the start, not at the first sign-in.
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

/// Decodes the body of a PEM private key; `None` for anything else, such as a public key.
fn private_key_der(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    if !label.ends_with("PRIVATE KEY") {
        return None;
    }
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}
