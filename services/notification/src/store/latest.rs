//! Whether news still is news when it arrives.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx, insert_unless_there, lock};

use super::entities::latest_news::{ActiveModel, Column, Entity};
use crate::news::Freshness;

/// The version of a subject of which nothing with a version was heard.
const UNHEARD: i64 = -1;

/// Whether to tell it; remembers that it was heard.
pub(super) async fn is_news(tx: &Tx, freshness: &Freshness) -> Result<bool, SqlError> {
    match freshness {
        Freshness::Always => Ok(true),
        Freshness::Newer { subject, version, settles } => is_newer(tx, subject, *version, *settles).await,
        Freshness::UnlessSettled { subject } => {
            // Locked, so that whoever settles it comes before or after.
            let unheard = ActiveModel { subject: Set(subject.clone()), version: Set(UNHEARD), is_settled: Set(false) };
            insert_unless_there(tx, [unheard]).await?;
            let latest = lock(Entity::find_by_id(subject.clone())).one(tx).await?;
            Ok(latest.is_none_or(|latest| !latest.is_settled))
        }
    }
}

async fn is_newer(tx: &Tx, subject: &str, version: i64, settles: bool) -> Result<bool, SqlError> {
    if raise(tx, subject, version, settles).await? {
        return Ok(true);
    }
    let first = ActiveModel { subject: Set(subject.to_owned()), version: Set(version), is_settled: Set(settles) };
    if insert_unless_there(tx, [first]).await? == 1 {
        return Ok(true);
    }
    // Another event of the subject may have come between the two statements: ask once more.
    if raise(tx, subject, version, settles).await? {
        return Ok(true);
    }
    if settles {
        let settled = Entity::update_many().col_expr(Column::IsSettled, Expr::value(true));
        settled.filter(Column::Subject.eq(subject)).exec(tx).await?;
    }
    Ok(false)
}

async fn raise(tx: &Tx, subject: &str, version: i64, settles: bool) -> Result<bool, SqlError> {
    let mut update = Entity::update_many().col_expr(Column::Version, Expr::value(version));
    if settles {
        update = update.col_expr(Column::IsSettled, Expr::value(true));
    }
    let raised = update.filter(Column::Subject.eq(subject)).filter(Column::Version.lt(version)).exec(tx).await?;
    Ok(raised.rows_affected == 1)
}
