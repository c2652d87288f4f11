//! Numbers of steps by day.
//!
//! Days are computed from the instants when they are read, so that a shop that changes its time zone has right summaries
//! of its past too. The column `utc_day` is no day of the shop: it finds the rows of a period by its index.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, Expr, ExprTrait},
};
use souk_sql::{SqlError, local_day};
use souk_values::{BusinessDay, DayCalendar, OffsetPeriod, UtcDay};

use super::{OrderStore, entities::order_step, rows::damaged};
use crate::order::StepKind;

/// Steps of one kind on one day, or on a part of it in which the clocks did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayStep {
    pub(crate) day: BusinessDay,
    pub(crate) kind: StepKind,
    pub(crate) count: u64,
    /// Captured money in minor units; 0 unless `kind` is `Paid`.
    pub(crate) amount_minor: i64,
}

impl OrderStore {
    /// Counts the steps of `days`, which follow one another in `calendar`. The result is in no particular order, and has
    /// several entries of a kind for a day on which the clocks changed.
    pub(crate) async fn steps_of(
        &self,
        calendar: &DayCalendar,
        days: &[BusinessDay],
    ) -> Result<Vec<DayStep>, SqlError> {
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(Vec::new()) };
        let mut steps = Vec::new();
        for period in calendar.offset_periods(calendar.start(*first)..calendar.bounds(*last).end) {
            steps.extend(self.steps_of_period(&period).await?);
        }
        Ok(steps)
    }

    async fn steps_of_period(&self, period: &OffsetPeriod) -> Result<Vec<DayStep>, SqlError> {
        use order_step::Column;
        let (start, end) = (period.instants.start, period.instants.end);
        // The sum of a BIGINT is NUMERIC, DECIMAL or INTEGER, depending on the engine; as text it is the same on all.
        let sum = Column::AmountMinor.sum().cast_as(Alias::new("CHAR(30)"));
        let day = local_day(&Expr::col(Column::UtcDay), &Expr::col(Column::HappenedAt), period.offset_ms);
        let rows: Vec<(i64, String, i64, String)> = order_step::Entity::find()
            .select_only()
            .expr_as(day, "shop_day")
            .column(Column::Step)
            .column_as(Column::OrderId.count(), "happened")
            .column_as(sum, "amount")
            .filter(Column::UtcDay.between(UtcDay::of(start).number(), UtcDay::of(end).number()))
            .filter(Column::HappenedAt.gte(start.millis()))
            .filter(Column::HappenedAt.lt(end.millis()))
            // By name: PostgreSQL would take the repeated expression for another one, because its parameters have other
            // numbers.
            .group_by(Expr::col(Alias::new("shop_day")))
            .group_by(Column::Step)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let read = |(day, step, count, amount): (i64, String, i64, String)| {
            Ok(DayStep {
                day: BusinessDay::from_number(day),
                kind: StepKind::ALL.into_iter().find(|kind| kind.as_str() == step).ok_or_else(|| damaged(&step))?,
                count: u64::try_from(count).unwrap_or(0),
                amount_minor: amount.trim().parse().map_err(|error| damaged(&error))?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
