//! The section `cart` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::StartError;

use crate::cart::Terms;

/// What can be configured.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartConfig {
    /// `cart.store-url`: `sqlite:PATH`, `redis://…`, `rediss://…`, `postgres://…` or `mysql://…`.
    /// `sqlite:souk-data/cart.db`.
    pub store_url: String,
    /// `cart.active-ttl-hours`: how long an item stays from when it was added or changed. 24.
    pub active_ttl_hours: u32,
    /// `cart.ordered-ttl-hours`: how long an item stays from when its order was placed. 168, 7 days.
    pub ordered_ttl_hours: u32,
    /// `cart.remind-before-hours`: how long before its next item goes a cart is reminded of. 2.
    pub remind_before_hours: u32,
}

impl Default for CartConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:souk-data/cart.db".to_owned(),
            active_ttl_hours: 24,
            ordered_ttl_hours: 168,
            remind_before_hours: 2,
        }
    }
}

impl CartConfig {
    /// The terms that the hours make. Errors: an item would not live, or be reminded of at once.
    pub fn terms(&self) -> Result<Terms, StartError> {
        if self.active_ttl_hours == 0 || self.ordered_ttl_hours == 0 {
            let sentence = "cart.active-ttl-hours and cart.ordered-ttl-hours are at least 1";
            return Err(StartError::Other(sentence.to_owned()));
        }
        if self.remind_before_hours >= self.active_ttl_hours {
            let sentence = "cart.remind-before-hours is less than cart.active-ttl-hours";
            return Err(StartError::Other(sentence.to_owned()));
        }
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3_600);
        Ok(Terms {
            active: hours(self.active_ttl_hours),
            ordered: hours(self.ordered_ttl_hours),
            remind_before: hours(self.remind_before_hours),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_that_make_no_sense_are_refused() {
        let terms = CartConfig::default().terms().unwrap();
        assert_eq!((terms.active.as_secs(), terms.ordered.as_secs()), (86_400, 604_800));
        assert!(CartConfig { active_ttl_hours: 0, ..CartConfig::default() }.terms().is_err());
        assert!(CartConfig { ordered_ttl_hours: 0, ..CartConfig::default() }.terms().is_err());
        assert!(CartConfig { remind_before_hours: 24, ..CartConfig::default() }.terms().is_err());
    }
}
