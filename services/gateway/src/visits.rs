//! Who comes to the shop and how far they get, counted by day: what the back office shows as a funnel.
//!
//! Kept in memory and bounded; the series are what outlives a restart, in Prometheus.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use souk_values::Timestamp;
use utoipa::ToSchema;

/// Days that are kept.
pub(crate) const KEPT_DAYS: i64 = 90;
const DAY_MS: i64 = 86_400_000;

/// What brought a visitor; a closed set, because it is a label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Typed, or not told.
    #[default]
    Direct,
    /// A search engine.
    Search,
    /// A social network.
    Social,
    /// A mail.
    Email,
    /// An advertisement.
    Ad,
    /// Another site.
    Referral,
}

/// How far a visitor got; a closed set, because it is a label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// Looked around.
    #[default]
    Visit,
    /// Looked at a product.
    Product,
    /// Put something into the cart.
    Cart,
    /// Began to order.
    Checkout,
    /// Paid.
    Purchase,
}

impl Source {
    fn label(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Search => "search",
            Self::Social => "social",
            Self::Email => "email",
            Self::Ad => "ad",
            Self::Referral => "referral",
        }
    }
}

impl Step {
    /// Every step, in the order that they are taken.
    pub(crate) const ALL: [Self; 5] = [Self::Visit, Self::Product, Self::Cart, Self::Checkout, Self::Purchase];

    fn label(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Product => "product",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Purchase => "purchase",
        }
    }
}

/// Counts of one day.
#[derive(Debug, Default)]
struct Day {
    steps: BTreeMap<Step, u64>,
    sources: BTreeMap<Source, u64>,
}

/// The counts by day, counted from 1970-01-01 UTC.
#[derive(Debug, Default)]
pub(crate) struct Visits(Mutex<BTreeMap<i64, Day>>);

impl Visits {
    /// Counts one page view.
    pub fn count(&self, step: Step, source: Source, now: Timestamp) {
        metrics::counter!("funnel_steps_total", "service" => "gateway", "step" => step.label()).increment(1);
        let today = now.millis().div_euclid(DAY_MS);
        let mut days = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = days.entry(today).or_default();
        *day.steps.entry(step).or_default() += 1;
        if step == Step::Visit {
            metrics::counter!("storefront_visits_total", "service" => "gateway", "source" => source.label())
                .increment(1);
            *day.sources.entry(source).or_default() += 1;
        }
        days.retain(|day, _| *day > today - KEPT_DAYS);
    }

    /// What was counted on the last `days` days, today included.
    pub fn funnel(&self, days: i64, now: Timestamp) -> (BTreeMap<Step, u64>, BTreeMap<Source, u64>) {
        let first = now.millis().div_euclid(DAY_MS) - days + 1;
        let (mut steps, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for day in self.0.lock().unwrap_or_else(PoisonError::into_inner).range(first..).map(|(_, day)| day) {
            for (step, count) in &day.steps {
                *steps.entry(*step).or_default() += count;
            }
            for (source, count) in &day.sources {
                *sources.entry(*source).or_default() += count;
            }
        }
        (steps, sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_apart_and_old_ones_forgotten() {
        let visits = Visits::default();
        let day = |number: i64| Timestamp::from_millis(number * DAY_MS + 5);
        visits.count(Step::Visit, Source::Ad, day(100));
        visits.count(Step::Visit, Source::Direct, day(101));
        visits.count(Step::Cart, Source::Ad, day(101));
        let (steps, sources) = visits.funnel(1, day(101));
        assert_eq!(steps, [(Step::Visit, 1), (Step::Cart, 1)].into());
        assert_eq!(sources, [(Source::Direct, 1)].into());
        assert_eq!(visits.funnel(2, day(101)).0, [(Step::Visit, 2), (Step::Cart, 1)].into());
        visits.count(Step::Visit, Source::Direct, day(101 + KEPT_DAYS));
        assert_eq!(visits.funnel(KEPT_DAYS * 2, day(101 + KEPT_DAYS)).0, [(Step::Visit, 1)].into());
    }
}
