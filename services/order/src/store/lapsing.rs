//! Orders whose time to pay is over: found, and claimed by one replica at a time.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use souk_sql::SqlError;
use souk_values::{Id, OrderId, Timestamp};

use super::{OrderStore, entities::shop_order, rows};

/// An order that is due to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub order_id: OrderId,
    /// Since when.
    pub lapse_at: Timestamp,
}

impl OrderStore {
    /// The orders due at `now`, at most `limit`, the longest due first.
    pub async fn due_to_lapse(&self, now: Timestamp, limit: u64) -> Result<Vec<Due>, SqlError> {
        use shop_order::Column;
        let rows: Vec<(i64, i64)> = shop_order::Entity::find()
            .select_only()
            .column(Column::OrderId)
            .column(Column::LapseAt)
            .filter(Column::LapseAt.lte(now.millis()))
            .order_by_asc(Column::LapseAt)
            .limit(limit)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let due = |(order_id, lapse_at)| {
            Ok(Due { order_id: rows::id(order_id)?, lapse_at: Timestamp::from_millis(lapse_at) })
        };
        rows.into_iter().map(due).collect()
    }

    /// When the next order is due.
    pub async fn next_lapse(&self) -> Result<Option<Timestamp>, SqlError> {
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

    /// Takes `due` for this replica until `until`, when anyone may ask again. False: another has it,
    /// or it is settled.
    pub async fn claim_lapse(&self, due: Due, until: Timestamp) -> Result<bool, SqlError> {
        self.db
            .write((due, until), |tx, (due, until)| {
                Box::pin(async move {
                    use shop_order::Column;
                    let claimed = shop_order::Entity::update_many()
                        .col_expr(Column::LapseAt, Expr::val(until.millis()))
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
