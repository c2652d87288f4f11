//! A sign-in: a family of refresh tokens, of which one is good at a time, and its access tokens.

use std::time::Duration;

use sha2::{Digest, Sha256};
use souk_kit::auth::{AUDIENCE, Claims, ISSUER, Role};
use souk_values::{IdGen, Secret, Timestamp, UserId, ids::Id};

use crate::account::Account;

/// How long an access token lives.
pub const ACCESS_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long a refresh token lives.
pub const REFRESH_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What stores keep of a token.
pub fn hash(token: &Secret) -> String {
    hex(&Sha256::digest(token.expose()))
}

/// 256 random bits: a refresh token or a reset token.
pub fn draw_token(ids: &IdGen) -> Secret {
    Secret::new(ids.token(32))
}

/// An id for an account. Accounts have even ids and guests odd ones, so that the two never meet; the
/// unique index of each kind keeps its own apart.
pub fn draw_account_id(ids: &IdGen) -> UserId {
    draw_id(ids, 0)
}

/// An id for a guest.
pub fn draw_guest_id(ids: &IdGen) -> UserId {
    draw_id(ids, 1)
}

fn draw_id(ids: &IdGen, parity: i64) -> UserId {
    loop {
        let drawn: UserId = ids.next();
        if drawn.get() & 1 == parity {
            return drawn;
        }
    }
}

/// Whose sign-in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// An account, as of one of its epochs.
    Account {
        /// Whose.
        user_id: UserId,
        /// The account's epoch when it signed in; a later one ends this.
        epoch: i64,
    },
    /// Somebody without an account.
    Guest(UserId),
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    /// Random, unique.
    pub id: String,
    /// Whose.
    pub holder: Holder,
    /// Whether it was ended.
    pub revoked: bool,
}

impl Family {
    /// A sign-in of `account`.
    pub fn of_account(ids: &IdGen, account: &Account) -> Self {
        Self::begin(ids, Holder::Account { user_id: account.user_id, epoch: account.sign_in_epoch })
    }

    /// A guest's.
    pub fn of_guest(ids: &IdGen, guest: UserId) -> Self {
        Self::begin(ids, Holder::Guest(guest))
    }

    fn begin(ids: &IdGen, holder: Holder) -> Self {
        Self { id: ids.token(16), holder, revoked: false }
    }

    /// The claims of an access token of this sign-in.
    pub fn claims(&self, ids: &IdGen, now: Timestamp, role: Role, username: Option<String>) -> Claims {
        let user_id = match self.holder {
            Holder::Account { user_id, .. } | Holder::Guest(user_id) => user_id,
        };
        let jti = format!("{}.{}", self.id, ids.token(8));
        claims(user_id.to_string(), jti, now, role, username)
    }
}

/// The claims of a token that lives from `now`.
pub fn claims(sub: String, jti: String, now: Timestamp, role: Role, username: Option<String>) -> Claims {
    Claims {
        iss: ISSUER.to_owned(),
        sub,
        aud: AUDIENCE.to_owned(),
        exp: now.plus(ACCESS_LIFE).seconds(),
        iat: now.seconds(),
        jti,
        username,
        role,
    }
}

/// The sign-in that an access token belongs to.
pub fn family_of(claims: &Claims) -> Option<&str> {
    claims.jti.split_once('.').map(|(family, _)| family)
}

/// A refresh token as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Its hash.
    pub token_hash: String,
    /// Whether it was exchanged before.
    pub used: bool,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its sign-in.
    pub family: Family,
}

/// What a refresh token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It may be exchanged.
    Good,
    /// It was exchanged before: somebody has a copy, so its whole family ends.
    Reused,
    /// Its time is over, or its sign-in was ended.
    Over,
}

impl Presented {
    /// What it is good for at `now`; `account` is the holder's, if it is an account.
    pub fn judge(&self, account: Option<&Account>, now: Timestamp) -> Judgement {
        if self.used {
            return Judgement::Reused;
        }
        let ended = match self.family.holder {
            Holder::Guest(_) => false,
            Holder::Account { epoch, .. } => {
                account.is_none_or(|account| account.locked || account.sign_in_epoch != epoch)
            }
        };
        if ended || self.family.revoked || now >= self.expires_at { Judgement::Over } else { Judgement::Good }
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
    fn a_token_is_good_once_in_its_time() {
        let ids = IdGen::new(Arc::new(SystemClock));
        let family = Family::of_guest(&ids, draw_guest_id(&ids));
        let end = Timestamp::from_millis(1_000);
        let fresh = Presented { token_hash: String::new(), used: false, expires_at: end, family: family.clone() };
        assert_eq!(fresh.judge(None, Timestamp::EPOCH), Judgement::Good);
        assert_eq!(fresh.judge(None, end), Judgement::Over);
        let revoked = Presented { family: Family { revoked: true, ..family }, ..fresh.clone() };
        assert_eq!(revoked.judge(None, Timestamp::EPOCH), Judgement::Over);
        let used = Presented { used: true, ..revoked };
        assert_eq!(used.judge(None, end), Judgement::Reused);
    }
}
