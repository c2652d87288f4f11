//! `GET /orders/summary`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use souk_kit::{auth::Admin, extract::Query};
use souk_values::{Money, MoneyError, Timestamp};
use utoipa::{IntoParams, ToSchema};

use crate::{App, error::OrderError, order::StepKind, store::DayStep};

const DAY_MS: i64 = 86_400_000;

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SummaryQuery {
    /// 1 to 366, today included; 7.
    #[serde(default = "a_week")]
    #[param(default = 7, minimum = 1, maximum = 366)]
    days: u32,
}

fn a_week() -> u32 {
    7
}

/// What happened to orders, by day in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrdersSummary)]
pub(crate) struct Summary {
    /// Each day, the earliest first; days on which nothing happened too.
    days: Vec<Day>,
    /// All of them together.
    totals: Totals,
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrdersOfDay)]
pub(crate) struct Day {
    /// In UTC.
    #[schema(format = "date", example = "2026-01-31")]
    day: String,
    /// What happened on it.
    #[serde(flatten)]
    totals: Totals,
}

/// How many orders were created, confirmed, paid, cancelled, and what was captured for them.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = OrderTotals)]
pub(crate) struct Totals {
    /// Placed.
    created: u64,
    /// Their stock reserved.
    confirmed: u64,
    /// Paid.
    paid: u64,
    /// Cancelled.
    cancelled: u64,
    /// What was captured; refunds are not taken off.
    revenue: Money,
}

impl Totals {
    fn add(&mut self, step: &DayStep) -> Result<(), MoneyError> {
        match step.kind {
            StepKind::Created => self.created += step.count,
            StepKind::Confirmed => self.confirmed += step.count,
            StepKind::Cancelled => self.cancelled += step.count,
            StepKind::Paid => {
                self.paid += step.count;
                self.revenue = self.revenue.plus(Money::new(step.amount_minor, self.revenue.currency))?;
            }
            StepKind::PaymentFailed | StepKind::Shipped | StepKind::Delivered | StepKind::Refunded => {}
        }
        Ok(())
    }
}

/// Orders and revenue of the last days, today included.
#[utoipa::path(get, path = "", params(SummaryQuery),
    responses((status = 200, body = Summary, description = "By day, and in all")))]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Query(SummaryQuery { days }): Query<SummaryQuery>,
) -> Result<Json<Summary>, OrderError> {
    if !(1..=366).contains(&days) {
        return Err(OrderError::Query("days is 1 to 366.".to_owned()));
    }
    let today = app.clock.now().millis().div_euclid(DAY_MS);
    let first = today - i64::from(days) + 1;
    let steps = app.store.days_since(first).await?;
    let nothing = Totals { created: 0, confirmed: 0, paid: 0, cancelled: 0, revenue: Money::zero(app.currency) };
    let mut by_day: BTreeMap<i64, Totals> = (first..=today).map(|day| (day, nothing)).collect();
    let mut totals = nothing;
    for step in steps {
        if let Some(day) = by_day.get_mut(&step.utc_day) {
            let added = day.add(&step).and_then(|()| totals.add(&step));
            added.map_err(|error| OrderError::Defect(format!("revenue cannot be summed: {error}")))?;
        }
    }
    let days = by_day.into_iter().map(|(day, totals)| Day { day: date(day), totals }).collect();
    Ok(Json(Summary { days, totals }))
}

/// `2026-01-31`.
fn date(utc_day: i64) -> String {
    let midnight = Timestamp::from_millis(utc_day.saturating_mul(DAY_MS)).to_string();
    midnight.split('T').next().unwrap_or_default().to_owned()
}
