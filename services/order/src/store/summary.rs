//! Numbers of steps by day.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, ExprTrait},
};
use souk_sql::SqlError;
use souk_values::UtcDay;

use super::{OrderStore, entities::order_step, rows::damaged};
use crate::order::StepKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayStep {
    pub(crate) day: UtcDay,
    pub(crate) kind: StepKind,
    pub(crate) count: u64,
    /// Captured money in minor units; 0 unless `kind` is `Paid`.
    pub(crate) amount_minor: i64,
}

impl OrderStore {
    /// Counts the steps since the start of `day`, in no particular order.
    pub(crate) async fn steps_since(&self, day: UtcDay) -> Result<Vec<DayStep>, SqlError> {
        use order_step::Column;
        // The sum of a BIGINT is NUMERIC, DECIMAL or INTEGER, depending on the engine; as text it is the same on all.
        let sum = Column::AmountMinor.sum().cast_as(Alias::new("CHAR(30)"));
        let rows: Vec<(i64, String, i64, String)> = order_step::Entity::find()
            .select_only()
            .column(Column::UtcDay)
            .column(Column::Step)
            .column_as(Column::OrderId.count(), "happened")
            .column_as(sum, "amount")
            .filter(Column::UtcDay.gte(day.number()))
            .group_by(Column::UtcDay)
            .group_by(Column::Step)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let read = |(utc_day, step, count, amount): (i64, String, i64, String)| {
            Ok(DayStep {
                day: UtcDay::from_number(utc_day),
                kind: StepKind::ALL.into_iter().find(|kind| kind.as_str() == step).ok_or_else(|| damaged(&step))?,
                count: u64::try_from(count).unwrap_or(0),
                amount_minor: amount.trim().parse().map_err(|error| damaged(&error))?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
