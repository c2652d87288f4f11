//! The refresh token with which a guest begins: signed instead of stored, so that a visitor who never returns costs the
//! store nothing. Its first exchange stores the sign-in; from then on a guest's tokens are like all others.

use jsonwebtoken::{DecodingKey, jwk::JwkSet};
use souk_kit::auth::{Claims, Role, SignedToken};
use souk_values::{IdGen, Secret, Timestamp};

use crate::{
    session::{Holder, REFRESH_LIFETIME, TokenFamily},
    signing::{SigningError, SigningKey},
};

/// Audience of these tokens, which keeps verifiers from taking them for access tokens.
const AUDIENCE: &str = "souk-guest-refresh";

/// A genuine token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FirstGuestToken {
    pub(crate) family: TokenFamily,
    pub(crate) expires_at: Timestamp,
}

/// Signs the first refresh token of a guest's sign-in.
pub(crate) fn issue(
    key: &SigningKey,
    family: &TokenFamily,
    ids: &IdGen,
    now: Timestamp,
) -> Result<Secret, SigningError> {
    let access = family.claims(ids, now, Role::Guest, None);
    let claims = Claims { aud: AUDIENCE.to_owned(), exp: now.plus(REFRESH_LIFETIME).seconds(), ..access };
    Ok(Secret::new(key.sign(&claims)?))
}

/// Returns the sign-in of a token that one of `keys` has signed and that is valid at `now`; `None` for anything else.
pub(crate) fn read(token: &Secret, keys: &JwkSet, now: Timestamp) -> Option<FirstGuestToken> {
    let signed = SignedToken::parse(token.expose())?;
    let jwk = keys.find(&signed.kid)?;
    let algorithm = format!("{:?}", signed.algorithm);
    let is_of_key = jwk.common.key_algorithm.is_some_and(|of_key| of_key.to_string() == algorithm);
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_of_key)?;
    let claims = signed.claims(&key, AUDIENCE)?;
    if claims.role != Role::Guest || now.seconds() >= claims.exp {
        return None;
    }
    let holder = Holder::Guest(claims.user_id()?);
    let family = TokenFamily { id: claims.sign_in()?.to_owned(), holder, is_revoked: false };
    Some(FirstGuestToken { family, expires_at: Timestamp::from_millis(claims.exp.saturating_mul(1_000)) })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use souk_values::SystemClock;

    use super::*;
    use crate::session;

    #[test]
    fn a_token_is_valid_for_thirty_days_by_its_key_alone_and_is_no_access_token() {
        souk_kit::install_crypto();
        let ids = IdGen::new(Arc::new(SystemClock));
        let (key, _) = SigningKey::generate().unwrap();
        let (other, _) = SigningKey::generate().unwrap();
        let family = TokenFamily::for_guest(&ids, session::draw_guest_id(&ids));
        let now = Timestamp::from_millis(1_800_000_000_000);
        let token = issue(&key, &family, &ids, now).unwrap();
        let keys = JwkSet { keys: vec![other.public.clone(), key.public.clone()] };
        let end = now.plus(REFRESH_LIFETIME);
        let first = FirstGuestToken { family: family.clone(), expires_at: end };
        assert_eq!(read(&token, &keys, end.minus(Duration::from_secs(1))), Some(first));
        assert_eq!(read(&token, &keys, end), None);
        assert_eq!(read(&token, &JwkSet { keys: vec![other.public] }, now), None);
        let access = key.sign(&family.claims(&ids, now, Role::Guest, None)).unwrap();
        assert_eq!(read(&Secret::new(access), &keys, now), None, "an access token is no refresh token");
        for forged in ["", "a.b.c", &format!("{}x", token.expose()), &token.expose().replace('.', "")] {
            assert_eq!(read(&Secret::new((*forged).to_owned()), &keys, now), None, "{forged}");
        }
        let customer = Claims {
            aud: AUDIENCE.to_owned(),
            ..session::claims("7".to_owned(), "f.1".to_owned(), now, Role::Admin, None)
        };
        assert_eq!(read(&Secret::new(key.sign(&customer).unwrap()), &keys, now), None);
    }
}
