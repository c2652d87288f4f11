//! Page views of the web shop, counted by day and step: the funnel of the back office.
//!
//! The counts are in memory and bounded. Only their metrics survive a restart, in Prometheus.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use souk_values::{BusinessDay, DayCalendar, Timestamp};
use utoipa::ToSchema;

pub(crate) const RETENTION_DAYS: u32 = 90;

// Both enums are closed sets, because they are labels of metrics.

/// Source that brought a visitor to the shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// Typed address, or unknown.
    #[default]
    Direct,
    Search,
    Social,
    Email,
    Ad,
    /// Another website.
    Referral,
}

/// Step of the funnel that a visitor has reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    /// Viewed any page.
    #[default]
    Visit,
    /// Viewed a product.
    Product,
    /// Added a product to the cart.
    Cart,
    /// Started to order.
    Checkout,
    /// Paid an order.
    Purchase,
}

impl Source {
    pub(crate) const ALL: [Self; 6] = [Self::Direct, Self::Search, Self::Social, Self::Email, Self::Ad, Self::Referral];
}

impl Step {
    /// All steps in the order in which a visitor takes them.
    pub(crate) const ALL: [Self; 5] = [Self::Visit, Self::Product, Self::Cart, Self::Checkout, Self::Purchase];
}

#[derive(Debug, Default)]
struct DayCounts {
    steps: BTreeMap<Step, u64>,
    sources: BTreeMap<Source, u64>,
}

#[derive(Debug)]
pub(crate) struct Visits {
    calendar: DayCalendar,
    days: Mutex<BTreeMap<BusinessDay, DayCounts>>,
}

impl Visits {
    pub fn new(calendar: DayCalendar) -> Self {
        Self { calendar, days: Mutex::default() }
    }

    /// Name of the time zone whose days are counted.
    pub fn zone(&self) -> &str {
        self.calendar.zone()
    }

    pub fn count(&self, step: Step, source: Source, now: Timestamp) {
        let today = self.calendar.day_of(now);
        let mut days = self.days.lock();
        let day = days.entry(today).or_default();
        *day.steps.entry(step).or_default() += 1;
        if step == Step::Visit {
            *day.sources.entry(source).or_default() += 1;
        }
        days.retain(|day, _| *day > today.plus(-i64::from(RETENTION_DAYS)));
    }

    /// Returns the counts of the last `days` days, today included.
    pub fn funnel(&self, days: u32, now: Timestamp) -> (BTreeMap<Step, u64>, BTreeMap<Source, u64>) {
        let first = self.calendar.day_of(now).plus(1 - i64::from(days));
        let mut steps = BTreeMap::new();
        let mut sources = BTreeMap::new();
        for day in self.days.lock().range(first..).map(|(_, day)| day) {
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
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_are_counted_separately_and_old_ones_dropped() {
        let calendar = DayCalendar::default();
        let visits = Visits::new(calendar.clone());
        let day = |number: i64| calendar.start(BusinessDay::from_number(number)).plus(Duration::from_millis(5));
        visits.count(Step::Visit, Source::Ad, day(100));
        visits.count(Step::Visit, Source::Direct, day(101));
        visits.count(Step::Cart, Source::Ad, day(101));
        let (steps, sources) = visits.funnel(1, day(101));
        assert_eq!(steps, [(Step::Visit, 1), (Step::Cart, 1)].into());
        assert_eq!(sources, [(Source::Direct, 1)].into());
        assert_eq!(visits.funnel(2, day(101)).0, [(Step::Visit, 2), (Step::Cart, 1)].into());
        let later = 101 + i64::from(RETENTION_DAYS);
        visits.count(Step::Visit, Source::Direct, day(later));
        assert_eq!(visits.funnel(RETENTION_DAYS * 2, day(later)).0, [(Step::Visit, 1)].into());
    }

    #[test]
    fn days_begin_at_midnight_of_the_zone() {
        for (zone, midnight) in [
            ("Europe/Berlin", "2026-03-28T23:00:00Z"),
            ("Europe/Berlin", "2026-03-29T22:00:00Z"),
            ("Pacific/Auckland", "2026-04-05T12:00:00Z"),
            ("Asia/Kolkata", "2026-01-31T18:30:00Z"),
        ] {
            let visits = Visits::new(zone.parse().unwrap());
            let midnight: Timestamp = midnight.parse().unwrap();
            visits.count(Step::Visit, Source::Direct, midnight.minus(Duration::from_millis(1)));
            visits.count(Step::Cart, Source::Direct, midnight);
            assert_eq!(visits.funnel(1, midnight).0, [(Step::Cart, 1)].into(), "{zone} {midnight}");
            assert_eq!(visits.funnel(2, midnight).0, [(Step::Visit, 1), (Step::Cart, 1)].into(), "{zone} {midnight}");
        }
    }
}
