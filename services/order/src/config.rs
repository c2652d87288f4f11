//! What an operator may set of the order service: the section `order`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The section `order`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderConfig {
    /// `store-url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. `sqlite:order.db`.
    pub store_url: String,
    /// `pay-within-seconds`: how long a confirmed prepaid order can be paid. 1800.
    pub pay_within_seconds: u64,
    /// `lapse-after-seconds`: how long after `payBy` payment is asked whether the order was paid. 30.
    pub lapse_after_seconds: u64,
    /// `lapse-again-seconds`: how long until payment is asked again when it could not say; at least 1. 10.
    pub lapse_again_seconds: u64,
}

impl Default for OrderConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:order.db".to_owned(),
            pay_within_seconds: 1_800,
            lapse_after_seconds: 30,
            lapse_again_seconds: 10,
        }
    }
}

impl OrderConfig {
    pub(crate) fn pay_within(&self) -> Duration {
        Duration::from_secs(self.pay_within_seconds)
    }

    pub(crate) fn lapse_after(&self) -> Duration {
        Duration::from_secs(self.lapse_after_seconds)
    }

    pub(crate) fn lapse_again(&self) -> Duration {
        Duration::from_secs(self.lapse_again_seconds.max(1))
    }
}
