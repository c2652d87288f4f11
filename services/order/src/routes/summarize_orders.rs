//! `GET /orders/summary`: numbers of orders and revenue by day.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{auth::Admin, extract::Days};
use souk_values::{BusinessDay, Money, MoneyError};
use utoipa::ToSchema;

use crate::{app::App, error::OrderError, order::StepKind, store::DayStep};

const MAX_DAYS: u32 = 366;

/// Numbers of orders and revenue, by day of the shop's time zone.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrdersSummary {
    /// IANA name of the time zone whose days are counted, such as `Europe/Berlin`.
    time_zone: String,
    /// Every day of the period, oldest first, also those without orders.
    days: Vec<OrdersOfDay>,
    /// Sums over all days of the period.
    total: OrderTotals,
}

/// Numbers of orders and revenue of one day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrdersOfDay {
    /// Day in the shop's time zone, such as `2026-01-31`.
    date: BusinessDay,
    #[serde(flatten)]
    totals: OrderTotals,
}

/// Numbers of orders by milestone, and the money captured for them.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct OrderTotals {
    /// Number of orders that were placed.
    created: u64,
    /// Number of orders whose stock was reserved.
    confirmed: u64,
    /// Number of orders whose payment was captured.
    paid: u64,
    /// Number of orders that were cancelled.
    cancelled: u64,
    /// Money that was captured; refunds are not deducted.
    revenue: Money,
}

impl OrderTotals {
    fn add(&mut self, step: &DayStep) -> Result<(), MoneyError> {
        match step.kind {
            StepKind::Created => self.created += step.count,
            StepKind::Confirmed => self.confirmed += step.count,
            StepKind::Cancelled => self.cancelled += step.count,
            StepKind::Paid => {
                self.paid += step.count;
                self.revenue = self.revenue.plus(Money::new(step.amount_minor, self.revenue.currency))?;
            }
            StepKind::PaymentFailed
            | StepKind::Shipped
            | StepKind::Delivered
            | StepKind::Refunded
            | StepKind::RefundFailed => {}
        }
        Ok(())
    }
}

/// Returns numbers of orders and revenue of the last days, today included.
#[utoipa::path(get, path = "", params(Days<MAX_DAYS>),
    responses((status = 200, body = OrdersSummary, description = "Totals of each day and of the whole period")))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Days(days): Days<MAX_DAYS>,
) -> Result<Json<OrdersSummary>, OrderError> {
    let nothing = OrderTotals { created: 0, confirmed: 0, paid: 0, cancelled: 0, revenue: Money::zero(app.currency) };
    let days: Vec<BusinessDay> = app.calendar.last(days, app.clock.now()).collect();
    let mut by_day: BTreeMap<BusinessDay, OrderTotals> = days.iter().map(|day| (*day, nothing)).collect();
    let mut total = nothing;
    for step in app.store.steps_of(&app.calendar, &days).await? {
        if let Some(day) = by_day.get_mut(&step.day) {
            let added = day.add(&step).and_then(|()| total.add(&step));
            added.map_err(|error| OrderError::Defect(format!("revenue cannot be summed: {error}")))?;
        }
    }
    let days = by_day.into_iter().map(|(date, totals)| OrdersOfDay { date, totals }).collect();
    Ok(Json(OrdersSummary { time_zone: app.calendar.zone().to_owned(), days, total }))
}
