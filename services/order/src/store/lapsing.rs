//! Orders whose deadline passed. Each is claimed by one replica at a time.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use souk_sql::SqlError;
use souk_values::{Id, OrderId, Timestamp};

use super::{OrderStore, entities::shop_order, rows};
use crate::order::OrderStatus;

/// An order whose deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueOrder {
    pub(crate) order_id: OrderId,
    /// Time since which the order is due; a claim moves it.
    pub(crate) lapse_at: Timestamp,
    /// Time at which the order was placed.
    pub(crate) order_date: Timestamp,
    /// True while product has not answered about the stock; otherwise the order waits for its money.
    pub(crate) is_undecided: bool,
    /// Number of claims since the order's last change.
    pub(crate) queries: u32,
}

impl OrderStore {
    /// Returns at most `limit` orders that are due at `now`, the longest due first.
    pub(crate) async fn due_to_lapse(&self, now: Timestamp, limit: u64) -> Result<Vec<DueOrder>, SqlError> {
        use shop_order::Column;
        let rows: Vec<(i64, i64, i64, String, i64)> = shop_order::Entity::find()
            .select_only()
            .column(Column::OrderId)
            .column(Column::LapseAt)
            .column(Column::OrderDate)
            .column(Column::Status)
            .column(Column::LapseAttempts)
            .filter(Column::LapseAt.lte(now.millis()))
            .order_by_asc(Column::LapseAt)
            .limit(limit)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let due = |(order_id, lapse_at, order_date, status, queries): (_, _, _, String, i64)| {
            Ok(DueOrder {
                order_id: rows::id(order_id)?,
                lapse_at: Timestamp::from_millis(lapse_at),
                order_date: Timestamp::from_millis(order_date),
                is_undecided: status == OrderStatus::Created.as_str(),
                queries: u32::try_from(queries).unwrap_or(0),
            })
        };
        rows.into_iter().map(due).collect()
    }

    /// Returns the time at which the next order is due, past or future.
    pub(crate) async fn next_lapse(&self) -> Result<Option<Timestamp>, SqlError> {
        use shop_order::Column;
        let next: Option<i64> = shop_order::Entity::find()
            .select_only()
            .column(Column::LapseAt)
            .filter(Column::LapseAt.is_not_null())
            .order_by_asc(Column::LapseAt)
            .limit(1)
            .into_tuple()
            .one(self.db.reader())
            .await?;
        Ok(next.map(Timestamp::from_millis))
    }

    /// Claims `due` for this replica until `until`, when the order is due again. Returns false if another
    /// replica has claimed or settled it.
    pub(crate) async fn claim_lapse(&self, due: DueOrder, until: Timestamp) -> Result<bool, SqlError> {
        let attempts = i64::from(due.queries.saturating_add(1));
        self.db
            .write((due, until), move |tx, (due, until)| {
                Box::pin(async move {
                    use shop_order::Column;
                    let claimed = shop_order::Entity::update_many()
                        .col_expr(Column::LapseAt, Expr::val(until.millis()))
                        .col_expr(Column::LapseAttempts, Expr::val(attempts))
                        .filter(Column::OrderId.eq(due.order_id.get()))
                        .filter(Column::LapseAt.eq(due.lapse_at.millis()))
                        .exec(tx)
                        .await?;
                    Ok::<_, SqlError>(claimed.rows_affected == 1)
                })
            })
            .await
    }
}
