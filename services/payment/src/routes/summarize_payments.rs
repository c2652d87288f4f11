//! `GET /payments/summary`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use souk_kit::{Problem, auth::Admin, extract::Query};
use souk_values::{Currency, Money};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    error::PaymentError,
    payment::{FailureCode, Status},
    store::{PaymentTally, RefundTally, Tallies, day_of, start_of},
};

/// The most days that are summed up.
const MOST_DAYS: u32 = 90;
const USUAL_DAYS: u32 = 7;

/// How many days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SummaryOf {
    /// 1 to 90, today included; 7.
    days: Option<u32>,
}

/// Payments by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSummary {
    /// Oldest first, every day once.
    pub days: Vec<PaymentDay>,
    /// All of them together.
    pub total: PaymentSums,
    /// Failed attempts by `failureCode`.
    pub failures: BTreeMap<String, i64>,
}

/// One day, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDay {
    /// `2026-01-31`.
    pub date: String,
    /// What happened.
    #[serde(flatten)]
    pub sums: PaymentSums,
}

/// What happened to payments, by when they were asked for, and to refunds, by when they were returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PaymentSums {
    /// Captured, refunded later or not.
    pub succeeded: i64,
    /// Failed.
    pub failed: i64,
    /// Not known yet.
    pub processing: i64,
    /// Returns of money.
    pub refunds: i64,
    /// What was captured.
    pub captured_amount: Money,
    /// What went back.
    pub refunded_amount: Money,
}

/// Sums up payments and refunds by day.
#[utoipa::path(
    get,
    path = "",
    params(SummaryOf),
    responses((status = 200, body = PaymentSummary, description = "The last days, today included"))
)]
pub async fn handle(
    State(app): State<App>,
    _: Admin,
    Query(query): Query<SummaryOf>,
) -> Result<Json<PaymentSummary>, SummaryRefused> {
    let days = query.days.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(SummaryRefused::Days);
    }
    let today = day_of(app.clock.now());
    let from_day = today.saturating_sub(i64::from(days) - 1);
    let tallies = app.store.tallies(from_day).await.map_err(PaymentError::from)?;
    Ok(Json(summarize(&tallies, from_day, today, app.currency)))
}

/// Why there is no summary.
#[derive(Debug)]
pub enum SummaryRefused {
    /// Not a number of days that is summed up.
    Days,
    /// The store.
    Failed(PaymentError),
}

impl From<PaymentError> for SummaryRefused {
    fn from(error: PaymentError) -> Self {
        Self::Failed(error)
    }
}

impl axum::response::IntoResponse for SummaryRefused {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::Days => {
                let status = axum::http::StatusCode::BAD_REQUEST;
                Problem::new(status, "query.invalid", format!("days is 1 to {MOST_DAYS}.")).into_response()
            }
            Self::Failed(error) => error.into_response(),
        }
    }
}

fn summarize(tallies: &Tallies, from_day: i64, today: i64, currency: Currency) -> PaymentSummary {
    let mut failures: BTreeMap<String, i64> = FailureCode::ALL.map(|code| (code.as_str().to_owned(), 0)).into();
    let mut total = PaymentSums::none(currency);
    let mut days: BTreeMap<i64, PaymentSums> = (from_day..=today).map(|day| (day, total)).collect();
    for tally in &tallies.payments {
        total.add_payments(tally);
        days.entry(tally.day).or_insert(PaymentSums::none(currency)).add_payments(tally);
        if let Some(code) = tally.failure {
            *failures.entry(code.as_str().to_owned()).or_default() += tally.count;
        }
    }
    for tally in &tallies.refunds {
        total.add_refunds(tally);
        days.entry(tally.day).or_insert(PaymentSums::none(currency)).add_refunds(tally);
    }
    let days = days.into_iter().map(|(day, sums)| PaymentDay { date: date_of(day), sums });
    PaymentSummary { days: days.collect(), total, failures }
}

/// `2026-01-31` of `2026-01-31T00:00:00.000Z`.
fn date_of(day: i64) -> String {
    start_of(day).to_string().chars().take(10).collect()
}

impl PaymentSums {
    fn none(currency: Currency) -> Self {
        let nothing = Money::zero(currency);
        Self { succeeded: 0, failed: 0, processing: 0, refunds: 0, captured_amount: nothing, refunded_amount: nothing }
    }

    fn add_payments(&mut self, tally: &PaymentTally) {
        match tally.status {
            Status::Succeeded | Status::Refunded => {
                self.succeeded += tally.count;
                self.captured_amount = plus(self.captured_amount, tally.amount, tally.count);
            }
            Status::Failed => self.failed += tally.count,
            Status::Processing => self.processing += tally.count,
        }
    }

    fn add_refunds(&mut self, tally: &RefundTally) {
        self.refunds += tally.count;
        self.refunded_amount = plus(self.refunded_amount, tally.amount, tally.count);
    }
}

/// A shop has one currency; should it ever have had another, those amounts are not added to this one's.
fn plus(sum: Money, amount: Money, count: i64) -> Money {
    let all = Money::new(amount.minor.saturating_mul(count), amount.currency);
    sum.plus(all).unwrap_or(sum)
}
