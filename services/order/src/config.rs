//! The configuration section `order`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct OrderConfig {
    /// `store-url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. Default: `sqlite:order.db`.
    pub store_url: String,
    /// `pay-within-seconds`: time to pay a confirmed prepaid order. Default: 1800.
    pub pay_within_seconds: u64,
    /// `lapse-after-seconds`: delay after `payBy` before payment is queried about an unpaid order. Default: 30.
    pub lapse_after_seconds: u64,
    /// `lapse-again-seconds`: pause before payment is queried again about the same order; at least 1. Default: 10.
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
