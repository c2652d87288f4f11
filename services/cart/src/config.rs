//! The section `cart` of the configuration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_kit::StartError;

use crate::cart::Lifetimes;

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartConfig {
    /// `cart.store-url`: `sqlite:PATH`, `redis://…`, `rediss://…`, `postgres://…` or `mysql://…`.
    /// Default: `sqlite:souk-data/cart.db`.
    pub store_url: String,
    /// `cart.active-ttl-hours`: lifetime of an item from when it was added or changed. Default: 24 hours.
    pub active_ttl_hours: u32,
    /// `cart.ordered-ttl-hours`: lifetime of an item from when its order was placed. Default: 168 hours, 7 days.
    pub ordered_ttl_hours: u32,
    /// `cart.remind-before-hours`: lead time of the reminder before the next item expires. Default: 2 hours.
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
    /// Returns the lifetimes of items. Errors: an item would have none, or its reminder would be due immediately.
    pub(crate) fn lifetimes(&self) -> Result<Lifetimes, StartError> {
        let refused = |sentence: &str| Err(StartError::Other(sentence.to_owned()));
        if self.active_ttl_hours == 0 || self.ordered_ttl_hours == 0 {
            return refused("cart.active-ttl-hours and cart.ordered-ttl-hours must be at least 1");
        }
        if self.remind_before_hours >= self.active_ttl_hours {
            return refused("cart.remind-before-hours must be less than cart.active-ttl-hours");
        }
        let hours = |hours: u32| Duration::from_secs(u64::from(hours) * 3_600);
        Ok(Lifetimes {
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
    fn impossible_lifetimes_are_refused() {
        let lifetimes = CartConfig::default().lifetimes().unwrap();
        assert_eq!((lifetimes.active.as_secs(), lifetimes.ordered.as_secs()), (86_400, 604_800));
        assert!(CartConfig { active_ttl_hours: 0, ..CartConfig::default() }.lifetimes().is_err());
        assert!(CartConfig { ordered_ttl_hours: 0, ..CartConfig::default() }.lifetimes().is_err());
        assert!(CartConfig { remind_before_hours: 24, ..CartConfig::default() }.lifetimes().is_err());
    }
}
