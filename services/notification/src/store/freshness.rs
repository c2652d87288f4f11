//! Decides whether a message is still current when its event arrives, and records the event's version.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx, insert_or_ignore, lock_for_update};

use super::entities::latest_version::{ActiveModel, Column, Entity};
use crate::message::Freshness;

/// Version of a subject of which no event with a version was received.
const NO_VERSION: i64 = -1;

pub(super) async fn is_fresh(tx: &Tx, freshness: &Freshness) -> Result<bool, SqlError> {
    match freshness {
        Freshness::Always => Ok(true),
        Freshness::Newer { subject, version, settles } => is_newer(tx, subject, *version, *settles).await,
        Freshness::UnlessSettled { subject } => {
            // Locked, so that a concurrent event which settles the subject commits entirely before or after this one.
            let unknown =
                ActiveModel { subject: Set(subject.clone()), version: Set(NO_VERSION), is_settled: Set(false) };
            insert_or_ignore(tx, [unknown]).await?;
            let latest = lock_for_update(Entity::find_by_id(subject.clone())).one(tx).await?;
            Ok(latest.is_none_or(|latest| !latest.is_settled))
        }
    }
}

async fn is_newer(tx: &Tx, subject: &str, version: i64, settles: bool) -> Result<bool, SqlError> {
    if raise(tx, subject, version, settles).await? {
        return Ok(true);
    }
    let first = ActiveModel { subject: Set(subject.to_owned()), version: Set(version), is_settled: Set(settles) };
    if insert_or_ignore(tx, [first]).await? == 1 {
        return Ok(true);
    }
    // Another event of the subject may have inserted the row between the two statements.
    if raise(tx, subject, version, settles).await? {
        return Ok(true);
    }
    if settles {
        // A late payment or cancellation is not sent, and still makes the payment final.
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
