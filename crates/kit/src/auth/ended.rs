//! Rights that have ended before the access tokens that prove them: read from auth, and kept in memory by each verifier.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use souk_values::{Timestamp, UserId};
use tokio::time::Instant;

use super::Claims;

/// Lifetime of an access token. Nothing that ended longer ago matters to a verifier.
pub const ACCESS_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// Time for which auth lists ended rights: a token may be signed a moment after its rights ended, by a request that had
/// read the account before.
pub const LISTED_FOR: Duration = Duration::from_secs(16 * 60);
/// Interval between two reads of auth's list.
pub(super) const PERIOD: Duration = Duration::from_millis(400);
/// Age up to which the list counts as current where rights are confirmed.
const FRESH: Duration = Duration::from_secs(1);
/// Interval between two reads of the whole list and of the keys.
const FULL_PERIOD: Duration = Duration::from_secs(60);
/// A read overlaps the previous one by this much: a transaction may commit after one that began later.
const OVERLAP: Duration = Duration::from_secs(10);

/// Response of `GET /internal/ended-rights`: the access tokens that are void before they expire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedRights {
    /// Time at which the list was read; the next read continues from there.
    pub at: Timestamp,
    /// Users who were locked, or got another role or password.
    pub users: Vec<EndedUser>,
    /// Ids of ended sign-ins, with which the `jti` of their access tokens begins.
    pub sign_ins: Vec<String>,
}

impl EndedRights {
    /// No ended rights.
    pub const NONE: Self = Self { at: Timestamp::EPOCH, users: Vec::new(), sign_ins: Vec::new() };
}

/// A user whose earlier access tokens are void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndedUser {
    /// Id of the user.
    pub user_id: UserId,
    /// Tokens with an earlier `epoch` are void.
    pub epoch: i64,
}

/// Point from which the next read continues.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    at: Option<Timestamp>,
    /// Time of the last read of the whole list.
    full_at: Option<Instant>,
    has_failed: bool,
}

impl Cursor {
    /// Returns the time from which on to read; `None` if the whole list is due.
    pub(super) fn since(&self, now: Instant) -> Option<Timestamp> {
        let is_current = self.full_at.is_some_and(|at| now.duration_since(at) < FULL_PERIOD);
        self.at.filter(|_| is_current).map(|at| at.minus(OVERLAP))
    }

    /// Records the outcome of a read, and returns true for a failure that follows a success.
    pub(super) fn has_begun_to_fail(&mut self, is_failure: bool) -> bool {
        let had_failed = std::mem::replace(&mut self.has_failed, is_failure);
        is_failure && !had_failed
    }
}

/// The ended rights that a verifier knows of.
#[derive(Debug, Default)]
pub(super) struct Ended(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The first epoch of each user whose tokens are valid.
    users: HashMap<UserId, i64>,
    sign_ins: HashSet<Box<str>>,
    read_at: Option<Instant>,
}

impl Ended {
    /// True if `claims` were granted by a sign-in, or to a user, whose rights have ended since.
    pub(super) fn covers(&self, claims: &Claims) -> bool {
        let known = self.0.read();
        let user = claims.user_id().and_then(|user| known.users.get(&user));
        user.is_some_and(|epoch| claims.epoch < *epoch)
            || claims.sign_in().is_some_and(|sign_in| known.sign_ins.contains(sign_in))
    }

    /// True if auth's list was read a moment before `now`.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        self.0.read().read_at.is_some_and(|at| now.duration_since(at) < FRESH)
    }

    /// True if no read is due at `now`.
    pub(super) fn is_current(&self, now: Instant) -> bool {
        self.0.read().read_at.is_some_and(|at| now.duration_since(at) < PERIOD / 2)
    }

    /// Takes over what a read that began at `began` has found. A read of the whole list replaces the list, which forgets
    /// what no valid token can have any more.
    pub(super) fn learn(&self, rights: EndedRights, cursor: &mut Cursor, began: Instant) {
        let mut known = self.0.write();
        if cursor.since(began).is_none() {
            *known = Known::default();
            cursor.full_at = Some(began);
        }
        cursor.at = Some(rights.at);
        known.read_at = Some(began);
        for EndedUser { user_id, epoch } in rights.users {
            let first = known.users.entry(user_id).or_insert(epoch);
            *first = epoch.max(*first);
        }
        known.sign_ins.extend(rights.sign_ins.into_iter().map(String::into_boxed_str));
    }
}

#[cfg(test)]
mod tests {
    use souk_values::ids::Id as _;

    use super::*;
    use crate::auth::{AUDIENCE, ISSUER, Role};

    fn claims(user: i64, epoch: i64, sign_in: &str) -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: user.to_string(),
            aud: AUDIENCE.to_owned(),
            exp: 900,
            iat: 0,
            jti: format!("{sign_in}.x"),
            username: None,
            role: Role::Customer,
            epoch,
        }
    }

    fn rights(at: i64, users: &[(i64, i64)], sign_ins: &[&str]) -> EndedRights {
        let users = users.iter().map(|(user, epoch)| EndedUser { user_id: UserId::new(*user).unwrap(), epoch: *epoch });
        EndedRights {
            at: Timestamp::from_millis(at),
            users: users.collect(),
            sign_ins: sign_ins.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn earlier_epochs_and_listed_sign_ins_are_void_until_the_whole_list_is_read() {
        let (ended, mut cursor, began) = (Ended::default(), Cursor::default(), Instant::now());
        assert_eq!(cursor.since(began), None);
        ended.learn(rights(50_000, &[(2, 3)], &["f1"]), &mut cursor, began);
        assert_eq!(cursor.since(began), Some(Timestamp::from_millis(40_000)));
        ended.learn(rights(51_000, &[(2, 2), (4, 1)], &["f2"]), &mut cursor, began);
        for (user, epoch, sign_in, is_void) in
            [(2, 2, "f", true), (2, 3, "f", false), (4, 0, "f", true), (6, 0, "f", false), (6, 0, "f1", true)]
        {
            assert_eq!(ended.covers(&claims(user, epoch, sign_in)), is_void, "{user} {epoch} {sign_in}");
        }
        assert!(ended.covers(&claims(6, 0, "f2")));
        let later = began + FULL_PERIOD;
        assert!(!ended.is_fresh(later) && ended.is_fresh(began));
        assert_eq!(cursor.since(later), None);
        ended.learn(rights(110_000, &[(4, 1)], &[]), &mut cursor, later);
        assert!(ended.covers(&claims(4, 0, "f")) && !ended.covers(&claims(2, 0, "f1")));
    }

    #[test]
    fn a_service_has_no_rights_of_a_user() {
        let (ended, mut cursor) = (Ended::default(), Cursor::default());
        ended.learn(rights(1, &[(2, 3)], &[]), &mut cursor, Instant::now());
        assert!(!ended.covers(&Claims { role: Role::Service, ..claims(2, 0, "f") }));
    }

    #[test]
    fn a_failure_is_reported_once() {
        let mut cursor = Cursor::default();
        assert_eq!(
            [true, true, false, true].map(|failed| cursor.has_begun_to_fail(failed)),
            [true, false, false, true]
        );
    }
}
