//! Counts of what happened, by day.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Alias, ExprTrait},
};
use souk_sql::SqlError;

use super::{OrderStore, entities::order_step, rows::damaged};
use crate::order::StepKind;

/// How often a step happened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayStep {
    /// Days since 1970-01-01, UTC.
    pub utc_day: i64,
    /// Which step.
    pub kind: StepKind,
    /// How often.
    pub count: u64,
    /// With `paid`: what was captured, minor units.
    pub amount_minor: i64,
}

impl OrderStore {
    /// What happened since `utc_day`, in no particular order.
    pub async fn days_since(&self, utc_day: i64) -> Result<Vec<DayStep>, SqlError> {
        use order_step::Column;
        // A sum of BIGINT is NUMERIC, DECIMAL or INTEGER by engine; as text it is the same on all.
        let sum = Column::AmountMinor.sum().cast_as(Alias::new("CHAR(30)"));
        let rows: Vec<(i64, String, i64, String)> = order_step::Entity::find()
            .select_only()
            .column(Column::UtcDay)
            .column(Column::Step)
            .column_as(Column::OrderId.count(), "happened")
            .column_as(sum, "amount")
            .filter(Column::UtcDay.gte(utc_day))
            .group_by(Column::UtcDay)
            .group_by(Column::Step)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let read = |(utc_day, step, count, amount): (i64, String, i64, String)| {
            Ok(DayStep {
                utc_day,
                kind: StepKind::ALL.into_iter().find(|kind| kind.as_str() == step).ok_or_else(|| damaged(&step))?,
                count: u64::try_from(count).unwrap_or(0),
                amount_minor: amount.trim().parse().map_err(|error| damaged(&error))?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
