//! Devices from which a user has signed in before: their sign-ins do not queue with those of strangers.
//!
//! A device has a token in a cookie, which proves nothing about who uses it: the password is checked all the same. This is
//! what OWASP calls a device cookie.

use std::time::Duration;

use souk_values::{Secret, Timestamp, UserId};

use crate::{app::App, error::AuthError, token};

/// Time from the last sign-in for which a device is known.
pub(crate) const DEVICE_LIFETIME: Duration = Duration::from_secs(90 * 86_400);
/// Age of a token above which a sign-in replaces it.
const RENEW_AFTER: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) token_hash: String,
    /// User who signed in from it.
    pub(crate) user_id: UserId,
    pub(crate) expires_at: Timestamp,
}

impl Device {
    /// Returns the device whose token a request has, if it is known.
    pub(crate) async fn of(app: &App, token: Option<&Secret>) -> Result<Option<Self>, AuthError> {
        let Some(token) = token else { return Ok(None) };
        let device = app.store.device(&token::hash(token)).await?;
        Ok(device.filter(|device| app.clock.now() < device.expires_at))
    }

    /// True if the device's token need not be replaced when `user` signs in from it.
    pub(crate) fn is_fresh(&self, user: UserId, now: Timestamp) -> bool {
        self.user_id == user && now.plus(DEVICE_LIFETIME.saturating_sub(RENEW_AFTER)) < self.expires_at
    }
}

/// Returns a new device of `user` and its token; stores nothing.
pub(crate) fn draw(app: &App, user: UserId) -> (Device, Secret) {
    let token = token::draw(&app.ids);
    let expires_at = app.clock.now().plus(DEVICE_LIFETIME);
    (Device { token_hash: token::hash(&token), user_id: user, expires_at }, token)
}

#[cfg(test)]
mod tests {
    use souk_values::ids::Id as _;

    use super::*;

    #[test]
    fn a_token_is_fresh_for_a_month_and_for_its_user() {
        let user = |number| UserId::new(number).unwrap();
        let began = Timestamp::EPOCH;
        let device = Device { token_hash: String::new(), user_id: user(2), expires_at: began.plus(DEVICE_LIFETIME) };
        assert!(device.is_fresh(user(2), began.plus(Duration::from_secs(29 * 86_400))));
        assert!(!device.is_fresh(user(2), began.plus(Duration::from_secs(31 * 86_400))));
        assert!(!device.is_fresh(user(4), began));
    }
}
