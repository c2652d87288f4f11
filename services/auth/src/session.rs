//! A sign-in: a family of refresh tokens, of which one is valid at a time, and its access tokens.

use std::time::Duration;

use souk_kit::auth::{ACCESS_LIFETIME, AUDIENCE, Claims, ISSUER, Role};
use souk_values::{IdGen, Timestamp, UserId, ids::Id};

use crate::account::Account;

pub(crate) const REFRESH_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// Draws an id for an account. Accounts have even ids and guests odd ones: no unique index spans the tables of both.
pub(crate) fn draw_account_id(ids: &IdGen) -> UserId {
    loop {
        let drawn: UserId = ids.next();
        if drawn.get() & 1 == 0 {
            return drawn;
        }
    }
}

/// Draws an id for a guest, an odd number. It is not ordered by time: all 52 bits beside the lowest are random, since no
/// store sees it when it is drawn, and two guests of one id would share a cart.
pub(crate) fn draw_guest_id(ids: &IdGen) -> UserId {
    loop {
        let random = i64::from_str_radix(&ids.token(7), 16).map(|random| random & ((1 << 52) - 1));
        if let Some(drawn) = random.ok().and_then(|random| UserId::new((random << 1) | 1).ok()) {
            return drawn;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Account {
        user_id: UserId,
        /// [`Account::sign_in_epoch`] at the time of signing in; the sign-in ends when the account has a later one.
        epoch: i64,
    },
    /// Id of a visitor without an account.
    Guest(UserId),
}

/// A sign-in, to which all refresh tokens exchanged for one another belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenFamily {
    /// 128 random bits, in hexadecimal digits.
    pub(crate) id: String,
    pub(crate) holder: Holder,
    pub(crate) is_revoked: bool,
}

impl TokenFamily {
    pub(crate) fn for_account(ids: &IdGen, account: &Account) -> Self {
        Self::new(ids, Holder::Account { user_id: account.user_id, epoch: account.sign_in_epoch })
    }

    pub(crate) fn for_guest(ids: &IdGen, guest: UserId) -> Self {
        Self::new(ids, Holder::Guest(guest))
    }

    fn new(ids: &IdGen, holder: Holder) -> Self {
        Self { id: ids.token(16), holder, is_revoked: false }
    }

    /// Returns the claims of an access token of this sign-in, whose `jti` begins with the family's id.
    pub(crate) fn claims(&self, ids: &IdGen, now: Timestamp, role: Role, username: Option<String>) -> Claims {
        let (user_id, epoch) = match self.holder {
            Holder::Account { user_id, epoch } => (user_id, epoch),
            Holder::Guest(guest) => (guest, 0),
        };
        let jti = format!("{}.{}", self.id, ids.token(8));
        Claims { epoch, ..claims(user_id.to_string(), jti, now, role, username) }
    }
}

/// Returns the claims of a token that is valid for [`ACCESS_LIFETIME`] from `now`.
pub(crate) fn claims(sub: String, jti: String, now: Timestamp, role: Role, username: Option<String>) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub,
        aud: AUDIENCE.to_owned(),
        exp: now.plus(ACCESS_LIFETIME).seconds(),
        iat: now.seconds(),
        jti,
        username,
        role,
        epoch: 0,
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredToken {
    pub(crate) hash: String,
    /// True if it was exchanged for another.
    pub(crate) is_used: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) family: TokenFamily,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenState {
    Valid,
    /// It was exchanged before, so there is a copy of it, and its whole family has to end (RFC 9700, 4.14.2).
    Reused,
    /// It is expired, or its sign-in has ended.
    Invalid,
}

impl StoredToken {
    /// Returns the state at `now`; `account` is the holder's, `None` for guests.
    pub(crate) fn state(&self, account: Option<&Account>, now: Timestamp) -> TokenState {
        if self.is_used {
            return TokenState::Reused;
        }
        let has_ended = match self.family.holder {
            Holder::Guest(_) => false,
            Holder::Account { epoch, .. } => {
                account.is_none_or(|account| account.locked || account.sign_in_epoch != epoch)
            }
        };
        if has_ended || self.family.is_revoked || now >= self.expires_at {
            TokenState::Invalid
        } else {
            TokenState::Valid
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use souk_values::SystemClock;

    use super::*;

    #[test]
    fn accounts_and_guests_never_share_an_id() {
        let ids = IdGen::new(Arc::new(SystemClock));
        assert!((0..200).all(|_| draw_account_id(&ids).get() % 2 == 0 && draw_guest_id(&ids).get() % 2 == 1));
    }

    #[test]
    fn a_token_is_valid_once_until_it_expires() {
        let ids = IdGen::new(Arc::new(SystemClock));
        let family = TokenFamily::for_guest(&ids, draw_guest_id(&ids));
        let end = Timestamp::from_millis(1_000);
        let fresh = StoredToken { hash: String::new(), is_used: false, expires_at: end, family: family.clone() };
        assert_eq!(fresh.state(None, Timestamp::EPOCH), TokenState::Valid);
        assert_eq!(fresh.state(None, end), TokenState::Invalid);
        let revoked = StoredToken { family: TokenFamily { is_revoked: true, ..family }, ..fresh.clone() };
        assert_eq!(revoked.state(None, Timestamp::EPOCH), TokenState::Invalid);
        let used = StoredToken { is_used: true, ..revoked };
        assert_eq!(used.state(None, end), TokenState::Reused);
    }
}
