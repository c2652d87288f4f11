//! Statements whose SQL differs between engines.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityName, EntityTrait, QuerySelect, Select,
    sea_query::{CaseStatement, Expr, ExprTrait, LockBehavior, LockType, Order, Query},
};

use crate::{SqlError, Tx, rows::or_ignore};

/// Inserts those of `rows` whose key does not exist yet, and returns their number.
///
/// The values must fit their columns: MySQL's `INSERT IGNORE` truncates those that do not instead of failing.
pub async fn insert_all_or_ignore<A>(tx: &Tx, rows: impl IntoIterator<Item = A>) -> Result<u64, SqlError>
where
    A: ActiveModelTrait,
{
    Ok(tx.execute_raw(or_ignore(rows, tx.get_database_backend())).await?.rows_affected())
}

/// Returns the `rows`-th of the values of the integer `column` above `after`, in rising order; `None` when there are fewer.
/// With it a table is read in ranges of a key, each of about that many rows.
pub async fn nth_key<C: ColumnTrait>(
    connection: &impl ConnectionTrait,
    column: C,
    after: i64,
    rows: u64,
) -> Result<Option<i64>, SqlError> {
    let nth = C::EntityName::default();
    let select = Query::select()
        .column(column)
        .from(nth.table_ref())
        .and_where(column.gt(after))
        .order_by(column, Order::Asc)
        .offset(rows.saturating_sub(1))
        .limit(1)
        .take();
    let row = connection.query_one(&select).await?;
    Ok(row.map(|row| row.try_get("", column.as_str())).transpose()?)
}

/// Locks the rows that `select` finds until the end of the transaction, and leaves out those that another transaction has
/// locked. Without effect on SQLite, which has one writer.
#[must_use]
pub fn lock_skip_locked<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
}

/// Locks the rows that `select` finds until the end of the transaction, and waits for those that another transaction has
/// locked. Select them in the order of their key, or two transactions deadlock. Without effect on SQLite, which has one
/// writer.
#[must_use]
pub fn lock_for_update<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_exclusive()
}

/// Returns the number of the local day of an instant, whose distance from UTC is `offset_ms` there. `utc_day` is the column
/// with its day in UTC, `millis` that of the instant itself. Computed by comparison: a division of integers differs between
/// the engines.
#[must_use]
pub fn local_day(utc_day: &Expr, millis: &Expr, offset_ms: i64) -> Expr {
    const DAY_MS: i64 = 86_400_000;
    // Milliseconds since midnight in UTC, plus the offset.
    let of_day = || millis.clone().sub(utc_day.clone().mul(DAY_MS)).add(offset_ms);
    CaseStatement::new()
        .case(of_day().gte(DAY_MS), utc_day.clone().add(1_i64))
        .case(of_day().lt(0_i64), utc_day.clone().sub(1_i64))
        .finally(utc_day.clone())
        .into()
}
