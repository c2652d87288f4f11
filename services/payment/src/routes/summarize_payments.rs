//! `GET /payments/summary`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{auth::Admin, extract::Days};
use souk_values::{BusinessDay, Currency, DayCalendar, Money};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::PaymentError,
    payment::{FailureCode, Status},
    store::{PaymentTally, RefundTally, Tallies},
};

/// Payments and refunds by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentSummary {
    /// IANA name of the time zone whose days are counted, such as `Europe/Berlin`.
    time_zone: String,
    /// One entry for each day, oldest first; days without payments have zeros.
    days: Vec<PaymentDay>,
    /// Sums over all of the days.
    total: PaymentSums,
    /// Number of failed attempts by `failureCode`; zero for a code that did not occur.
    failures: BTreeMap<String, i64>,
}

/// Sums of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentDay {
    /// Day in the shop's time zone, such as `2026-01-31`.
    date: BusinessDay,
    #[serde(flatten)]
    sums: PaymentSums,
}

/// Sums of payments, by the time of their request, and of refunds, by the time at which the money was returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentSums {
    /// Number of payments captured, refunded later or not.
    succeeded: i64,
    /// Number of attempts that failed.
    failed: i64,
    /// Number of payments whose outcome is not known yet.
    processing: i64,
    /// Number of refunds that the provider returned.
    refunds: i64,
    /// Sum of the captured payments, before refunds.
    captured_amount: Money,
    /// Sum of the refunds that the provider returned.
    refunded_amount: Money,
}

/// Sums up the payments and refunds of the last days, today included.
#[utoipa::path(
    get,
    path = "",
    params(Days<90>),
    responses((status = 200, body = PaymentSummary, description = "The last days, today included"))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Days(days): Days<90>,
) -> Result<Json<PaymentSummary>, PaymentError> {
    let calendar = &app.calendar;
    let days: Vec<BusinessDay> = calendar.last(days, app.clock.now()).collect();
    let mut tallies = Tallies::default();
    if let (Some(first), Some(last)) = (days.first(), days.last()) {
        for period in calendar.offset_periods(calendar.start(*first)..calendar.bounds(*last).end) {
            let Tallies { payments, refunds } = app.store.tallies(&period).await?;
            tallies.payments.extend(payments);
            tallies.refunds.extend(refunds);
        }
    }
    Ok(Json(summarize(calendar, &tallies, &days, app.currency)))
}

fn summarize(calendar: &DayCalendar, tallies: &Tallies, days: &[BusinessDay], currency: Currency) -> PaymentSummary {
    let mut failures: BTreeMap<String, i64> = FailureCode::ALL.map(|code| (code.as_str().to_owned(), 0)).into();
    let mut total = PaymentSums::zero(currency);
    let mut days: BTreeMap<BusinessDay, PaymentSums> = days.iter().map(|day| (*day, total)).collect();
    for tally in &tallies.payments {
        total.add_payments(tally);
        days.entry(tally.day).or_insert(PaymentSums::zero(currency)).add_payments(tally);
        if let Some(code) = tally.failure {
            *failures.entry(code.as_str().to_owned()).or_default() += tally.count;
        }
    }
    for tally in &tallies.refunds {
        total.add_refunds(tally);
        days.entry(tally.day).or_insert(PaymentSums::zero(currency)).add_refunds(tally);
    }
    let days = days.into_iter().map(|(date, sums)| PaymentDay { date, sums });
    PaymentSummary { time_zone: calendar.zone().to_owned(), days: days.collect(), total, failures }
}

impl PaymentSums {
    fn zero(currency: Currency) -> Self {
        let zero = Money::zero(currency);
        Self { succeeded: 0, failed: 0, processing: 0, refunds: 0, captured_amount: zero, refunded_amount: zero }
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

/// Adds `count` times `amount`. A shop has one currency; amounts in a former one are left out of the sum.
fn plus(sum: Money, amount: Money, count: i64) -> Money {
    let all = Money::new(amount.minor.saturating_mul(count), amount.currency);
    sum.plus(all).unwrap_or(sum)
}
