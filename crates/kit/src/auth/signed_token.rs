//! Tokens before and after their signature is verified.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};

use super::{Claims, ISSUER};

/// A token that says which key has signed it, not verified yet.
#[derive(Debug)]
pub struct SignedToken<'t> {
    text: &'t str,
    /// Id of the key.
    pub kid: String,
    /// Algorithm of the signature, an asymmetric one.
    pub algorithm: Algorithm,
}

impl<'t> SignedToken<'t> {
    /// Reads the header of a token; `None` if it has none, or one of an algorithm that the shop does not use.
    #[must_use]
    pub fn parse(text: &'t str) -> Option<Self> {
        let header = jsonwebtoken::decode_header(text).ok()?;
        // Asymmetric algorithms only: with HMAC, a public key would pass for the shared secret.
        if !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA) {
            return None;
        }
        Some(Self { text, kid: header.kid?, algorithm: header.alg })
    }

    /// Returns the claims if `key` has signed the token for `audience`, even if it has expired.
    #[must_use]
    pub fn claims(&self, key: &DecodingKey, audience: &str) -> Option<Claims> {
        let mut rules = Validation::new(self.algorithm);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are compared with the injected clock, not with the library's.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        Some(jsonwebtoken::decode::<Claims>(self.text, key, &rules).ok()?.claims)
    }
}

/// Returns the key `kid` of `set`, if it is one of `algorithm`.
pub(super) fn key(set: &JwkSet, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let jwk = set.find(kid)?;
    let allowed = jwk.common.key_algorithm.is_none_or(|of_key| of_key.to_string() == format!("{algorithm:?}"));
    if allowed { DecodingKey::from_jwk(jwk).ok() } else { None }
}
