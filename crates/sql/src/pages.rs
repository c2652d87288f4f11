//! Pages of lists: counted up to a limit, and found by the key of the row before.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
    sea_query::{Alias, Asterisk, Expr, Func, Query, Value},
};
use souk_values::{
    Page, PageRequest,
    page::{Cursor, MAX_COUNTED, Total},
};

use crate::SqlError;

/// Returns the requested page of the rows that `query` finds, sorted by `columns` in falling order: one or two columns of 64-bit
/// integers that no two rows share. Give them an index.
pub async fn newest_page<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    columns: &[E::Column],
    request: PageRequest,
) -> Result<Page<E::Model>, SqlError> {
    let total = count_up_to_limit(connection, query.clone()).await?;
    let mut rows = query;
    if let Some(Cursor(keys)) = request.after {
        rows = rows.filter(behind(columns, keys));
    }
    for column in columns {
        rows = rows.order_by_desc(*column);
    }
    let found = rows.offset(request.offset()).limit(request.limit() + 1).all(connection).await?;
    Ok(Page::of_rows(found, request, total, |row| cursor::<E>(row, columns)))
}

/// Counts the rows that `query` finds, up to [`MAX_COUNTED`].
pub async fn count_up_to_limit<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
) -> Result<Total, SqlError> {
    let rows = query.select_only().expr_as(Expr::val(1), "one").limit(MAX_COUNTED + 1).into_query();
    let count = Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), Alias::new("total"))
        .from_subquery(rows, Alias::new("counted"))
        .take();
    let row = connection.query_one(&count).await?;
    let count: i64 = row.map(|row| row.try_get("", "total")).transpose()?.unwrap_or_default();
    let count = u64::try_from(count).unwrap_or_default();
    Ok(Total { count: std::cmp::min(count, MAX_COUNTED), is_exact: count <= MAX_COUNTED })
}

/// Returns the condition of the rows that come after the one with these `keys`.
fn behind<C: ColumnTrait>(columns: &[C], [key, second_key]: [i64; 2]) -> Condition {
    match columns {
        // The first comparison is one for the index, on every engine.
        [first, second] => {
            Condition::all().add(first.lte(key)).add(Condition::any().add(first.lt(key)).add(second.lt(second_key)))
        }
        _ => columns.first().map_or_else(Condition::all, |column| Condition::all().add(column.lt(key))),
    }
}

fn cursor<E: EntityTrait>(row: &E::Model, columns: &[E::Column]) -> Cursor {
    let key = |index: usize| match columns.get(index).map(|column| row.get(*column)) {
        Some(Value::BigInt(Some(key))) => key,
        _ => 0,
    };
    Cursor([key(0), key(1)])
}
