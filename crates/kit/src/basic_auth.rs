//! Credentials of the `Authorization` header (Basic, Bearer), compared in constant time.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A digest of credentials. Comparing two takes the same time whatever they are, and reveals not even a length.
#[derive(Clone)]
pub struct CredentialDigest(Digest);

impl CredentialDigest {
    /// Digest of a user and a password, as HTTP Basic joins them.
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        Self::of("basic", format!("{user}:{password}").as_bytes())
    }

    /// Digest of a bearer token.
    #[must_use]
    pub fn bearer(token: &str) -> Self {
        Self::of("bearer", token.as_bytes())
    }

    /// Digest of what a request presents; `None` without credentials of a known scheme.
    #[must_use]
    pub fn presented(headers: &HeaderMap) -> Option<Self> {
        let (scheme, value) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::bearer(value));
        }
        let is_basic = scheme.eq_ignore_ascii_case("basic");
        is_basic.then(|| STANDARD.decode(value).ok()).flatten().map(|pair| Self::of("basic", &pair))
    }

    fn of(scheme: &str, credentials: &[u8]) -> Self {
        Self(digest(&SHA256, &[scheme.as_bytes(), b" ", credentials].concat()))
    }
}

impl PartialEq for CredentialDigest {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_ref(), other.0.as_ref()).is_ok()
    }
}

impl Eq for CredentialDigest {}

impl std::fmt::Debug for CredentialDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialDigest")
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn presented(header: &str) -> Option<CredentialDigest> {
        let value = HeaderValue::from_str(header).unwrap();
        CredentialDigest::presented(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]))
    }

    #[test]
    fn only_the_same_credentials_of_the_same_scheme_are_equal() {
        let known = CredentialDigest::basic("ada", "s3cret:with colon");
        let encoded = STANDARD.encode("ada:s3cret:with colon");
        assert_eq!(presented(&format!("bAsIc  {encoded} ")), Some(known.clone()));
        assert_ne!(presented(&format!("Bearer {encoded}")), Some(known.clone()));
        assert_ne!(presented("Bearer ada:s3cret:with colon"), Some(known.clone()));
        assert_eq!(presented("bearer token"), Some(CredentialDigest::bearer("token")));
        for none in ["Basic not base64!", "Digest abc", "Basic"] {
            assert_eq!(presented(none), None, "{none}");
        }
    }
}
