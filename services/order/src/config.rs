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
    /// `decide-within-seconds`: time for product to reserve or refuse the stock of a new order. Default: 900.
    pub decide_within_seconds: u64,
    /// `lapse-after-seconds`: delay after `payBy` before payment is queried about an unpaid order. Default: 30.
    pub lapse_after_seconds: u64,
    /// `lapse-again-seconds`: pause before payment is queried again about the same order; at least 1. Default: 10.
    /// Each further pause about the order is twice as long.
    pub lapse_again_seconds: u64,
    /// `lapse-again-at-most-seconds`: longest pause before payment is queried again about an order. Default: 600.
    pub lapse_again_at_most_seconds: u64,
}

impl Default for OrderConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:order.db".to_owned(),
            pay_within_seconds: 1_800,
            decide_within_seconds: 900,
            lapse_after_seconds: 30,
            lapse_again_seconds: 10,
            lapse_again_at_most_seconds: 600,
        }
    }
}

impl OrderConfig {
    pub(crate) fn pay_within(&self) -> Duration {
        Duration::from_secs(self.pay_within_seconds)
    }

    pub(crate) fn decide_within(&self) -> Duration {
        Duration::from_secs(self.decide_within_seconds)
    }

    pub(crate) fn lapse_after(&self) -> Duration {
        Duration::from_secs(self.lapse_after_seconds)
    }

    /// Returns the longest pause before payment is queried again about an order that it was queried about `queries`
    /// times before. A pause doubles with each query up to the limit; jitter shortens it by at most half.
    pub(crate) fn lapse_again(&self, queries: u32) -> Duration {
        let first = self.lapse_again_seconds.max(1);
        let doubled = first.saturating_mul(1_u64.checked_shl(queries).unwrap_or(u64::MAX));
        Duration::from_secs(doubled.min(self.lapse_again_at_most_seconds.max(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_queries_double_up_to_a_limit() {
        let config = OrderConfig::default();
        let pauses = [0, 1, 2, 5, 6, 7, 63, 64, u32::MAX].map(|queries| config.lapse_again(queries).as_secs());
        assert_eq!(pauses, [10, 20, 40, 320, 600, 600, 600, 600, 600]);
        let odd = OrderConfig { lapse_again_seconds: 0, lapse_again_at_most_seconds: 0, ..config };
        assert_eq!(odd.lapse_again(5).as_secs(), 1, "never a busy loop");
    }
}
